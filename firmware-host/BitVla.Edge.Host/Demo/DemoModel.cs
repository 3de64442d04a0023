using System.ComponentModel;
using System.Diagnostics;

namespace BitVla.Edge.Host.Demo;

/// <summary>A small model made on the spot by <c>bitvla-pack synth</c>, a child of this process.</summary>
internal static class DemoModel
{
    private const string Packer = "bitvla-pack";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>The packer that was named, or the one beside this program.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static string FindPacker(string? named)
    {
        string path = named ?? Path.Combine(AppContext.BaseDirectory, Packer);
        return File.Exists(path) ? path : throw new UsageException($"--packer: expected {Packer} beside bitvlad or where this option says, found no {path}");
    }

    /// <summary>Makes the model.</summary>
    /// <exception cref="UsageException">The packer failed; its own words follow.</exception>
    public static async Task MakeAsync(string packer, string file, CancellationToken stop)
    {
        string[] arguments = ["synth", "--preset", "tiny", "-o", file];
        bool managed = packer.EndsWith(".dll", StringComparison.Ordinal);
        var start = managed ? new ProcessStartInfo("dotnet", [packer, .. arguments]) : new ProcessStartInfo(packer, arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var child = Begin(start);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        var output = child.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = child.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await child.WaitForExitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            child.Kill();
            throw;
        }

        await output.ConfigureAwait(false);
        if (child.ExitCode != 0)
        {
            throw new UsageException($"{packer} synth failed with code {child.ExitCode}: {(await error.ConfigureAwait(false)).Trim()}");
        }
    }

    private static Process Begin(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception cause)
        {
            throw new UsageException($"{start.FileName}: expected a program, found: {cause.Message}");
        }
    }
}
