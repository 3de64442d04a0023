using System.Diagnostics;
using BitVla.Format;
using BitVla.Packing.Synth;

namespace BitVla.Packing.Tests.Tools;

/// <summary>What happens to files: a full disk, an output that is an input, names that a terminal would obey.</summary>
public sealed class OutputTests
{
    // Goal: where the disk ends, the program says so with code 1 and leaves nothing. Method: the shell's limit on the size of files, with
    // its signal ignored, fails writes like a full disk. Small files fail at the last flush, large ones while being written.
    [Theory]
    [InlineData(100, "tiny")]
    [InlineData(1000, "tiny")]
    [InlineData(4, "awkward")]
    public void Synth_NoRoom_ExitsWithOneAndLeavesNothing(int blocks, string preset)
    {
        using var folder = new TemporaryFolder();
        var (exit, output, error) = RunLimited(blocks, "synth", "--preset", preset, "-o", folder.File("model"));
        Assert.True(exit == 1, $"exit code {exit}: {error}");
        Assert.Empty(output);
        Assert.Contains("output: expected a folder with room that can be written", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void Extract_NoRoom_ExitsWithOneAndLeavesOnlyTheModel()
    {
        using var folder = new TemporaryFolder();
        string model = folder.File("model");
        Assert.Equal(0, Tool.Run("synth", "-o", model, "--preset", "awkward").Exit);
        var (exit, _, error) = RunLimited(4, "extract", model, "--tensor", TensorNames.Embedding, "-o", folder.File("out"));
        Assert.True(exit == 1, $"exit code {exit}: {error}");
        Assert.Equal([model], Directory.GetFiles(folder.Root));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("folder/../model")]
    [InlineData("link")]
    [InlineData("elsewhere/model")]
    public void Extract_OntoTheModel_IsAUsageErrorAndTheModelStays(string output)
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = SmallModels.Write(SmallModels.Minimal, 11);
        File.WriteAllBytes(folder.File("model"), bytes);
        Directory.CreateDirectory(folder.File("folder"));
        File.CreateSymbolicLink(folder.File("link"), folder.File("model"));
        Directory.CreateSymbolicLink(folder.File("elsewhere"), folder.Root);
        var (exit, _, error) = Tool.Run("extract", folder.File("model"), "--tensor", TensorNames.FinalNorm, "-o", Path.Combine(folder.Root, output));
        Assert.Equal(1, exit);
        Assert.Contains("the model itself", error, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(folder.File("model")));
    }

    [Fact]
    public void Extract_OntoAnotherFile_ReplacesIt()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model"), SmallModels.Write(SmallModels.Minimal, 11));
        File.WriteAllText(folder.File("out"), "old");
        Assert.Equal(0, Tool.Run("extract", folder.File("model"), "--tensor", TensorNames.FinalNorm, "-o", folder.File("out")).Exit);
        Assert.NotEqual("old", File.ReadAllText(folder.File("out")));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    public void Pack_OntoAFileOfTheCheckpoint_IsAUsageErrorEvenWithForce(string name)
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy("vla_nano_tight");
        string target = Path.Combine(checkpoint, name);
        byte[] bytes = File.ReadAllBytes(target);
        var (exit, _, error) = Tool.Run("pack", checkpoint, "--force", "-o", target);
        Assert.Equal(1, exit);
        Assert.Contains("a file of the checkpoint", error, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(target));
    }

    [Fact]
    public void Help_OfWritingVerbs_SaysWhatIsReplaced()
    {
        foreach (string verb in (string[])["pack", "extract", "synth"])
        {
            Assert.Contains("replaced, ", Tool.Run(verb, "--help").Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Inspect_NameWithEscapeSequence_ShowsItInsteadOfSendingIt()
    {
        using var folder = new TemporaryFolder();
        new SynthModel("good\u001b]0;owned\u0007\u202e\nname", SmallModels.Minimal, 1, null).Write(folder.File("model"), CancellationToken.None);
        var (exit, output, _) = Tool.Run("inspect", folder.File("model"));
        Assert.Equal(0, exit);
        Assert.Contains(@"good\u{1b}]0;owned\u{7}\u{202e}\u{a}name", output, StringComparison.Ordinal);
        Assert.DoesNotContain(output, c => (char.IsControl(c) && c != '\n') || c == '\u202e');
    }

    private static (int Exit, string Output, string Error) RunLimited(int blocks, params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "bitvla-pack.dll");
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"trap '' XFSZ; ulimit -f {blocks}; exec dotnet \"$@\"", "sh", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Both keep large files in memory, which the limit counts too.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
