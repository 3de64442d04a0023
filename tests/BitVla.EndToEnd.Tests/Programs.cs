using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests;

/// <summary>What a program left behind.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as JSON, after an exit code of 0.</summary>
    public JsonElement Json()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
        using var document = JsonDocument.Parse(Output);
        return document.RootElement.Clone();
    }
}

/// <summary>The published programs, here and under emulation. tests/run.sh publishes them first.</summary>
internal static class Programs
{
    public const string CoreWithoutDotProduct = "cortex-a72";
    public const string CoreWithDotProduct = "cortex-a76";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Runtime identifier of this machine.</summary>
    public static string Native { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    /// <summary>Folder of the published programs; relative paths count from the root of the repository.</summary>
    public static string Published { get; } =
        Path.Combine(Repository.Root, Environment.GetEnvironmentVariable("BITVLA_PUBLISH") ?? Path.Combine("artifacts", "publish"));

    /// <summary>Path of a published program.</summary>
    public static string Find(string rid, string program)
    {
        string path = Path.Combine(Published, rid, program);
        Assert.True(File.Exists(path), $"{path} does not exist: tests/run.sh publishes the programs before it runs these tests.");
        return path;
    }

    public static Outcome Pack(params IEnumerable<string> arguments) => Run(Find(Native, "bitvla-pack"), arguments);

    public static Outcome Daemon(params IEnumerable<string> arguments) => Run(Find(Native, "bitvlad"), arguments);

    /// <summary>The same daemon, compiled while it runs.</summary>
    public static Outcome JustInTimeDaemon(params IEnumerable<string> arguments) =>
        Run("dotnet", [Path.Combine(Repository.Root, "artifacts", "bin", "BitVla.Edge.Host", "release", "bitvlad.dll"), .. arguments]);

    /// <summary>The arm64 daemon on an emulated core.</summary>
    public static Outcome ArmDaemon(string cpu, params IEnumerable<string> arguments)
    {
        string libraries = Environment.GetEnvironmentVariable("BITVLA_SYSROOT") ?? Path.Combine(Repository.Root, "artifacts", "sysroot-arm64");
        return Run("qemu-aarch64", ["-cpu", cpu, "-L", libraries, Find("linux-arm64", "bitvlad"), .. arguments]);
    }

    /// <summary>Runs a program to its end, from the root of the repository.</summary>
    public static Outcome Run(string program, params IEnumerable<string> arguments)
    {
        using var process = Start(program, arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within {Patience}.");
        }

        process.WaitForExit();
        return new Outcome(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Starts a program with both outputs redirected.</summary>
    public static Process Start(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What a developer's shell forces must not reach the tests.
        start.Environment.Remove("BITVLA__ENGINE__KERNEL");
        start.Environment.Remove("BITVLA__ENGINE__THREADS");
        return Process.Start(start)!;
    }
}
