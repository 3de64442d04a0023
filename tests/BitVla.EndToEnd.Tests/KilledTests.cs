using System.Diagnostics;

namespace BitVla.EndToEnd.Tests;

// Goal: a writer that is stopped at any point leaves no file under the name it was asked for. Method: start a long job, wait until its
// temporary file appears, and stop it there.
public sealed class KilledTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // About 130 MB of weights: seconds of work.
    private static readonly string[] LongJob =
        ["--preset", "tiny", "--width", "1024", "--ffn", "4096", "--heads", "8", "--kv-heads", "2", "--layers", "24", "--vocab-rows", "40000"];

    private readonly ScratchFolder folder = new();

    [Fact]
    public void Synth_Killed_LeavesNoModel()
    {
        using var process = StartAndWaitForTheTemporaryFile("model.bitvla", ["synth", .. LongJob, "-o", folder["model.bitvla"]]);
        process.Kill();
        process.WaitForExit();
        Assert.False(File.Exists(folder["model.bitvla"]));
    }

    [Fact]
    public void Synth_Interrupted_LeavesNothingAndExits130()
    {
        using var process = StartAndWaitForTheTemporaryFile("model.bitvla", ["synth", .. LongJob, "-o", folder["model.bitvla"]]);
        Interrupt(process);
        Assert.Equal(130, process.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }

    [Fact]
    public void Pack_KilledOrInterrupted_KeepsTheOldModelAndLeavesNoNewOne()
    {
        string checkpoint = folder["checkpoint"];
        Assert.Equal(0, Programs.Pack(["synth", .. LongJob, "--checkpoint", checkpoint]).ExitCode);
        string old = folder.Synth("awkward", 1);
        byte[] bytes = File.ReadAllBytes(old);

        using (var killed = StartAndWaitForTheTemporaryFile(Path.GetFileName(old), ["pack", checkpoint, "--force", "-o", old]))
        {
            killed.Kill();
            killed.WaitForExit();
        }

        Assert.Equal(bytes, File.ReadAllBytes(old));
        using (var interrupted = StartAndWaitForTheTemporaryFile("new.bitvla", ["pack", checkpoint, "-o", folder["new.bitvla"]]))
        {
            Interrupt(interrupted);
            Assert.Equal(130, interrupted.ExitCode);
        }

        Assert.Empty(Directory.EnumerateFiles(folder.Root, "new.bitvla*"));
    }

    public void Dispose() => folder.Dispose();

    private static void Interrupt(Process process)
    {
        Assert.Equal(0, Programs.Run("kill", "-INT", $"{process.Id}").ExitCode);
        Assert.True(process.WaitForExit(Patience));
        process.WaitForExit();
    }

    private Process StartAndWaitForTheTemporaryFile(string target, string[] arguments)
    {
        using var created = new ManualResetEventSlim();
        using var watcher = new FileSystemWatcher(folder.Root);
        watcher.Created += (_, change) =>
        {
            string name = Path.GetFileName(change.FullPath);
            if (name != target && name.StartsWith(target, StringComparison.Ordinal))
            {
                created.Set();
            }
        };
        watcher.EnableRaisingEvents = true;
        var process = Programs.Start(Programs.Find(Programs.Native, "bitvla-pack"), arguments);
        if (!created.Wait(Patience))
        {
            process.Kill();
            Assert.Fail($"no temporary file appeared: {process.StandardError.ReadToEnd()}");
        }

        return process;
    }
}
