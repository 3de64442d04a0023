using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using BitVla.Kernels.Dispatch;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad version</c>: what this binary is and what it can run here.</summary>
internal static class VersionCommand
{
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("version", "Prints version, architecture and the kernels this processor can run.") { json };
        command.SetAction(parse => Run(parse.GetValue(json)));
        return command;
    }

    private static int Run(bool json)
    {
        var choice = KernelSelector.Select(null);
        string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        if (!json)
        {
            Console.WriteLine($"bitvlad {Version} ({architecture}), kernels here: {string.Join(", ", KernelSelector.Available)}; default {choice.Name}");
            return ExitCode.Ok;
        }

        JsonOutput.Print(writer =>
        {
            writer.WriteString("version", Version);
            writer.WriteString("runtime", RuntimeInformation.FrameworkDescription);
            writer.WriteString("architecture", architecture);
            writer.WriteStartArray("kernels");
            foreach (string name in KernelSelector.Available)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
            writer.WriteString("default_kernel", choice.Name);
            writer.WriteString("reason", choice.Reason);
        });
        return ExitCode.Ok;
    }
}
