namespace BitVla.EndToEnd.Tests;

// Every exit code that a caller can provoke, from the published programs; docs/cli.md lists them.
public sealed class ExitCodeTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    [Theory]
    [InlineData("--help")]
    [InlineData("act --help")]
    [InlineData("version")]
    [InlineData("version --json")]
    [InlineData("--version")]
    public void Daemon_HelpAndVersion_ExitZero(string arguments) => Expect(0, Programs.Daemon(arguments.Split(' ')), "");

    [Theory]
    [InlineData("--help")]
    [InlineData("synth --help")]
    [InlineData("--version")]
    public void Pack_HelpAndVersion_ExitZero(string arguments) => Expect(0, Programs.Pack(arguments.Split(' ')), "");

    [Theory]
    [InlineData("dance")]
    [InlineData("act")]
    [InlineData("act --model m --instruction i --image full=missing.png --center-crop maybe")]
    [InlineData("bench --model m --passes 0")]
    public void Daemon_WrongCommandLine_ExitsOne(string arguments) => Expect(1, Programs.Daemon(arguments.Split(' ')));

    [Theory]
    [InlineData("dance")]
    [InlineData("synth")]
    [InlineData("verify")]
    [InlineData("synth --preset giant -o x")]
    public void Pack_WrongCommandLine_ExitsOne(string arguments) => Expect(1, Programs.Pack(arguments.Split(' ')));

    [Fact]
    public void Pack_FolderThatCannotBeWritten_ExitsOne() =>
        Expect(1, Programs.Pack("synth", "-o", folder["no/such/folder/x.bitvla"]), "expected a folder that can be written");

    [Fact]
    public void Daemon_ImageThatIsNone_ExitsOne()
    {
        string model = folder.Synth("awkward", 1);
        string image = folder["image.png"];
        File.WriteAllText(image, "not a picture");
        Expect(1, Programs.Daemon("act", "--model", model, "--image", $"full={image}", "--instruction", "x"), "image.png");
    }

    [Fact]
    public void Daemon_ObservationThatDoesNotFit_ExitsOne()
    {
        string model = folder.Synth("awkward", 1);
        Expect(1, Programs.Daemon(ScratchFolder.Act(model, "--rotate180", "nowhere")), "full, wrist");
        string[] arguments = ScratchFolder.Act(model);
        arguments[Array.IndexOf(arguments, "--state") + 1] = "1,2";
        Expect(1, Programs.Daemon(arguments), "8");
        arguments[Array.IndexOf(arguments, "--state") + 1] = "0,0,0,NaN,0,0,0,0";
        Expect(1, Programs.Daemon(arguments));
    }

    [Fact]
    public void Daemon_ThreadCountBeyondReason_ExitsTwo() =>
        Expect(2, Programs.Daemon(ScratchFolder.Act(folder.Synth("awkward", 1), "--threads", "0")), "engine.threads");

    [Fact]
    public void BothPrograms_NoSuchModel_ExitThree()
    {
        Expect(3, Programs.Daemon(ScratchFolder.Act(folder["none.bitvla"])), "NotFound");
        Expect(3, Programs.Pack("verify", folder["none.bitvla"]), "NotFound");
        Expect(3, Programs.Pack("inspect", folder["none.bitvla"]), "NotFound");
    }

    [Fact]
    public void BothPrograms_DamagedModel_ExitThreeAndNameTheTensor()
    {
        string model = folder.Synth("awkward", 1);
        long offset = 0;
        foreach (var tensor in Programs.Pack("inspect", model, "--json").Json().GetProperty("tensors").EnumerateArray())
        {
            if (tensor.GetProperty("name").GetString() == "blk.1.ffn_down.weight")
            {
                offset = tensor.GetProperty("offset").GetInt64();
            }
        }

        Assert.NotEqual(0, offset);
        using (var file = File.Open(model, FileMode.Open))
        {
            file.Position = offset + 5;
            int value = file.ReadByte();
            file.Position = offset + 5;
            file.WriteByte((byte)(value ^ 1));
        }

        Expect(3, Programs.Daemon(ScratchFolder.Act(model)), "blk.1.ffn_down.weight");
        Expect(3, Programs.Pack("verify", model), "blk.1.ffn_down.weight");
    }

    [Theory]
    [InlineData("")]
    [InlineData("GGUF")]
    [InlineData("not a model, but long enough to hold a header and some more text beyond it")]
    public void BothPrograms_ForeignFile_ExitThree(string content)
    {
        File.WriteAllText(folder["foreign"], content);
        Expect(3, Programs.Daemon(ScratchFolder.Act(folder["foreign"])), "foreign");
        Expect(3, Programs.Pack("verify", folder["foreign"]), "foreign");
    }

    [Fact]
    public void Daemon_KernelThisMachineLacks_ExitsFour()
    {
        string lacking = Programs.Native == "linux-arm64" ? "avx2" : "neon-dot";
        string model = folder.Synth("awkward", 1);
        Expect(4, Programs.Daemon(ScratchFolder.Act(model, "--kernel", lacking)), lacking);
        Expect(4, Programs.Daemon(ScratchFolder.Act(model, "--kernel", "abacus")), "abacus");
        Expect(4, Programs.Daemon("selftest", "--expect-kernel", lacking), lacking);
    }

    public void Dispose() => folder.Dispose();

    private static void Expect(int code, Outcome outcome, string? message = null)
    {
        Assert.True(outcome.ExitCode == code, $"expected exit code {code}, found {outcome.ExitCode}: {outcome.Error}{outcome.Output}");
        if (code == 0)
        {
            Assert.Empty(outcome.Error);
            Assert.NotEmpty(outcome.Output);
        }
        else
        {
            Assert.Contains(message ?? "", outcome.Error, StringComparison.Ordinal);
            Assert.NotEmpty(outcome.Error);
            Assert.DoesNotContain("   at ", outcome.Error, StringComparison.Ordinal);
        }
    }
}
