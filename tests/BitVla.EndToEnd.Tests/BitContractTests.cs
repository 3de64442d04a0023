namespace BitVla.EndToEnd.Tests;

// Goal: one pass gives one set of bits, whatever the processor, the kernel, the thread count and the compiler. Method: a synthetic model
// of the awkward sizes (K and N of 4304, head widths 72 and 128) is hashed at every doorway, and the hash is a constant of this repository.
//
// To make the constants again after a change that is meant to change bits:
//   bitvla-pack synth --preset awkward --seed 7 -o awkward.bitvla       gives ModelId
//   bitvlad act ... --kernel reference --threads 1 --digest --json      gives Digest (arguments: ScratchFolder.Act)
public sealed class BitContractTests : IClassFixture<BitContractTests.Awkward>
{
    private const string ModelId = "37162b5dcef17a7384419ad61ceadb07109b53b991fda4dc23d8169e0ef7fcce";
    private const string Digest = "9a787f18b7ac9b3f";

    private readonly Awkward awkward;

    public BitContractTests(Awkward awkward) => this.awkward = awkward;

    public static TheoryData<string, int> NativeRuns()
    {
        var runs = new TheoryData<string, int>();
        foreach (var kernel in Programs.Daemon("version", "--json").Json().GetProperty("kernels").EnumerateArray())
        {
            foreach (int threads in (int[])[1, 2, 3, 5])
            {
                runs.Add(kernel.GetString()!, threads);
            }
        }

        return runs;
    }

    // core, kernel that must be chosen there, kernel to force
    public static TheoryData<string, string, string?> ArmRuns => new()
    {
        { Programs.CoreWithoutDotProduct, "reference", null },
        { Programs.CoreWithDotProduct, "neon-dot", null },
        { Programs.CoreWithDotProduct, "reference", "reference" },
    };

    [Fact]
    public void Synth_SameSeed_GivesTheSameModel() =>
        Assert.Equal(ModelId, Programs.Pack("verify", awkward.Model, "--json").Json().GetProperty("model_id").GetString());

    [Theory]
    [MemberData(nameof(NativeRuns))]
    public void Act_NativeBinaryAnyKernelAnyThreads_GivesTheSameBits(string kernel, int threads)
    {
        var pass = Programs.Daemon(ScratchFolder.Act(awkward.Model, "--digest", "--json", "--kernel", kernel, "--threads", $"{threads}")).Json();
        Assert.Equal(kernel, pass.GetProperty("kernel").GetString());
        Assert.Equal(Digest, pass.GetProperty("digest").GetString());
    }

    [Fact]
    public void Act_CompiledWhileRunning_GivesTheSameBits()
    {
        foreach (var kernel in Programs.JustInTimeDaemon("version", "--json").Json().GetProperty("kernels").EnumerateArray())
        {
            var pass = Programs.JustInTimeDaemon(ScratchFolder.Act(awkward.Model, "--digest", "--json", "--kernel", kernel.GetString()!)).Json();
            Assert.Equal(Digest, pass.GetProperty("digest").GetString());
        }
    }

    [Theory]
    [MemberData(nameof(ArmRuns))]
    public void Act_ArmBinaryOnEitherCore_TakesItsPathAndGivesTheSameBits(string cpu, string chosen, string? forced)
    {
        string[] force = forced is null ? [] : ["--kernel", forced];
        var pass = Programs.ArmDaemon(cpu, ScratchFolder.Act(awkward.Model, ["--digest", "--json", "--threads", "2", .. force])).Json();
        Assert.Equal(chosen, pass.GetProperty("kernel").GetString());
        Assert.Equal(Digest, pass.GetProperty("digest").GetString());
    }

    [Fact]
    public void Act_DotProductForcedOnACoreWithoutIt_IsRefused()
    {
        var outcome = Programs.ArmDaemon(Programs.CoreWithoutDotProduct, ScratchFolder.Act(awkward.Model, "--kernel", "neon-dot"));
        Assert.Equal(4, outcome.ExitCode);
        Assert.Contains("neon-dot", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Act_WithAndWithoutDigest_GivesTheSameChunk()
    {
        // A digest runs the last layer unpruned, the plain pass only the rows that are read out.
        var plain = Programs.Daemon(ScratchFolder.Act(awkward.Model, "--json")).Json();
        var traced = Programs.Daemon(ScratchFolder.Act(awkward.Model, "--json", "--digest")).Json();
        Assert.Equal(plain.GetProperty("chunk_xxh3").GetString(), traced.GetProperty("chunk_xxh3").GetString());
    }

    public sealed class Awkward : IDisposable
    {
        private readonly ScratchFolder folder = new();

        public Awkward() => Model = folder.Synth("awkward", 7);

        public string Model { get; }

        public void Dispose() => folder.Dispose();
    }
}
