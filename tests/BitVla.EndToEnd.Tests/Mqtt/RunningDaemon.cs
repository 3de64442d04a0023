using System.Diagnostics;
using System.Globalization;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests.Mqtt;

/// <summary>The published daemon, <c>bitvlad run</c>, as a child of the test.</summary>
internal sealed class RunningDaemon : IAsyncDisposable
{
    private readonly ScratchFolder folder = new();
    private readonly Process process;

    private RunningDaemon(int? brokerPort, string model, int? embeddedPort, string[] settings)
    {
        Port = brokerPort ?? embeddedPort ?? FreePort.Next();
        string[] broker = brokerPort is null ? [$"mqtt.embedded_port={Port}"] : ["mqtt.host=127.0.0.1", $"mqtt.port={Port}"];
        string[] all =
        [
            $"engine.model={model}", $"robot.id={RobotClient.Robot}", $"state.dir={folder["state"]}", $"instruction.initial={DaemonModels.Told}", .. broker, .. settings,
        ];
        StartedAt = Stopwatch.GetTimestamp();
        process = Programs.Start(Programs.Find(Programs.Native, "bitvlad"), ["run", .. all.SelectMany(setting => new[] { "--set", setting })]);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
            {
                Log.Add(text);
            }
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
    }

    public int Port { get; }

    public long StartedAt { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>Lines on standard error.</summary>
    public Journal<string> Log { get; } = new();

    /// <summary>Starts one; with a broker's port against that broker, else with its own.</summary>
    public static RunningDaemon Start(string model, int? brokerPort = null, params string[] settings) => new(brokerPort, model, null, settings);

    /// <summary>Starts one whose own broker gets a port that may be taken.</summary>
    public static RunningDaemon StartOnPort(string model, int embeddedPort) => new(null, model, embeddedPort, []);

    /// <summary>Starts one and waits until its model is loaded and its broker took it.</summary>
    public static async Task<RunningDaemon> StartReadyAsync(string model, int? brokerPort = null, params string[] settings)
    {
        var daemon = Start(model, brokerPort, settings);
        await daemon.LineAsync(" READY ");
        await daemon.LineAsync("LINK Connected");
        return daemon;
    }

    public Task<(string Entry, int Next)> LineAsync(string part, int place = 0, TimeSpan? patience = null) =>
        Log.FirstAsync(line => line.Contains(part, StringComparison.Ordinal), place, part, patience);

    public void Signal(string name) => Assert.Equal(0, Programs.Run("kill", $"-{name}", Id.ToString(CultureInfo.InvariantCulture)).ExitCode);

    /// <summary>Waits for the end.</summary>
    public async Task<int> ExitAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Journal<string>.Patience);
        return process.ExitCode;
    }

    /// <summary>SIGTERM; gives the exit code and how long it took.</summary>
    public async Task<(int Code, TimeSpan Took)> TerminateAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        Signal("TERM");
        int code = await ExitAsync();
        return (code, Stopwatch.GetElapsedTime(begun));
    }

    /// <summary>Resident memory, bytes.</summary>
    public long Resident() => File.ReadLines($"/proc/{Id}/status").Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Select(Kilobytes).Single() * 1024;

    /// <summary>Resident memory of what is mapped from a file, bytes.</summary>
    public long ResidentOf(string file)
    {
        long sum = 0;
        bool within = false;
        foreach (string line in File.ReadLines($"/proc/{Id}/smaps"))
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                sum += within ? Kilobytes(line) * 1024 : 0;
            }
            else if (line.Contains('-', StringComparison.Ordinal) && char.IsAsciiHexDigitLower(line[0]))
            {
                within = line.EndsWith(file, StringComparison.Ordinal);
            }
        }

        return sum;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
        folder.Dispose();
    }

    private static long Kilobytes(string line) => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
}
