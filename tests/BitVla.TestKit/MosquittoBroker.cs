using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace BitVla.TestKit;

/// <summary>A mosquitto of one's own: a child process on a free loopback port, with its own folder and configuration.</summary>
public sealed partial class MosquittoBroker : IAsyncDisposable
{
    private const int Tries = 200;

    private readonly string folder;
    private readonly string configuration;
    private Process? process;

    private MosquittoBroker(string extraConfiguration)
    {
        Port = FreePort.Next();
        folder = Directory.CreateTempSubdirectory("bitvla-mosquitto-").FullName;
        configuration = Path.Combine(folder, "mosquitto.conf");
        File.WriteAllText(configuration, $"""
            listener {Port} 127.0.0.1
            {(extraConfiguration.Contains("allow_anonymous", StringComparison.Ordinal) ? "" : "allow_anonymous true")}
            persistence false
            {(Environment.UserName == "root" ? "user root" : "")}
            {extraConfiguration}
            """.Replace("\r", "", StringComparison.Ordinal) + "\n");
    }

    /// <summary>Port it listens on; the same over restarts.</summary>
    public int Port { get; }

    /// <summary>Starts one and waits until it listens.</summary>
    /// <param name="extraConfiguration">Further lines of its configuration.</param>
    /// <exception cref="InvalidOperationException">There is no mosquitto, or it did not start.</exception>
    public static async Task<MosquittoBroker> StartAsync(string extraConfiguration = "")
    {
        var broker = new MosquittoBroker(extraConfiguration);
        try
        {
            await broker.StartAgainAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again on the same port, after <see cref="KillAsync"/>.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo(FindProgram(), ["-c", configuration]) { RedirectStandardError = true, RedirectStandardOutput = true };
        process = Process.Start(start) ?? throw new InvalidOperationException("mosquitto did not start");
        Task<string> complaints = process.StandardError.ReadToEndAsync();
        for (int i = 0; i < Tries; i++)
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"mosquitto ended with {process.ExitCode}: {await complaints}");
            }

            if (await ListensAsync())
            {
                return;
            }

            // Waits for the child's end as long as it takes a starting broker to bind; no test sleeps.
            try
            {
                await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMilliseconds(25));
            }
            catch (TimeoutException)
            {
            }
        }

        throw new InvalidOperationException($"mosquitto does not listen on {Port}");
    }

    /// <summary>Kills it: no goodbye to any client.</summary>
    public async Task KillAsync()
    {
        if (process is { } child)
        {
            process = null;
            child.Kill();
            await child.WaitForExitAsync();
            child.Dispose();
        }
    }

    /// <summary>Stops it in its tracks: connections stay open and nobody answers. <see cref="KillAsync"/> works on it still.</summary>
    public void Freeze()
    {
        const int SigStop = 19;
        if (Kill(process!.Id, SigStop) != 0)
        {
            throw new InvalidOperationException("the signal did not reach mosquitto");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(folder, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private static string FindProgram()
    {
        // Debian keeps it in sbin, which is not on everybody's path.
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/usr/local/sbin"];
        return folders.Select(folder => Path.Combine(folder, "mosquitto")).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("expected the program mosquitto, found none: apt-get install mosquitto, or run tests/run.sh, which does");
    }

    private async Task<bool> ListensAsync()
    {
        using var probe = new TcpClient();
        try
        {
            await probe.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
