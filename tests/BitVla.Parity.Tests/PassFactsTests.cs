using BitVla.Contracts;
using BitVla.Kernels.Dispatch;

namespace BitVla.Parity.Tests;

/// <summary>What must hold of every pass whatever its numbers: shared rows, read-out, pruning, threads, kernels, repetition.</summary>
public sealed unsafe class PassFactsTests(PackedModels models)
{
    // Rows after the last slot: the stop token alone.
    private const int StopRows = 1;

    private static readonly int[] ThreadCounts = [1, 2, 3, 5];

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void ActionSlots_AfterFirstLayer_AreOneRowRepeated(string name)
    {
        var golden = GoldenCase.Open(name);
        using var policy = models.Load(golden);
        var g = policy.Model.Manifest.Geometry;
        float[] layer = RecordedPass.Of(policy, golden.Observation()).Floats("llm.layer.0");
        int first = golden.SequenceLength - StopRows - g.ActionSlots;
        for (int slot = 1; slot < g.ActionSlots; slot++)
        {
            AssertSameBits(layer.AsSpan(first * g.Width, g.Width), layer.AsSpan((first + slot) * g.Width, g.Width), $"slot {slot}");
        }
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void HeadInput_EveryCase_IsTheRowsOneBeforeEachSlot(string name)
    {
        var golden = GoldenCase.Open(name);
        using var policy = models.Load(golden);
        var g = policy.Model.Manifest.Geometry;
        var pass = RecordedPass.Of(policy, golden.Observation());
        var rows = pass.Floats("llm.final_norm").AsSpan((golden.SequenceLength - 58) * g.Width, 56 * g.Width);
        AssertSameBits(rows, pass.Floats("head.input"), "head.input");
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void PrunedPass_EveryCase_GivesTheBitsOfTheUnprunedOne(string name)
    {
        var golden = GoldenCase.Open(name);
        var observation = golden.Observation();
        using var whole = models.Load(golden);
        using var pruned = models.Load(golden, options => options with { Unpruned = false });
        var g = whole.Model.Manifest.Geometry;
        var pass = RecordedPass.Of(whole, observation);
        var chunk = new ActionChunk(g.ChunkLength, g.ActionDim);
        pruned.Predict(observation, chunk, TestContext.Current.CancellationToken);
        Assert.Equal(golden.SequenceLength, chunk.SequenceLength);
        int readout = chunk.SequenceLength - StopRows - g.ActionSlots - 1;
        AssertSameBits(
            pass.Floats("llm.final_norm").AsSpan(readout * g.Width, g.ActionSlots * g.Width),
            new ReadOnlySpan<float>(pruned.Decoder.Normed + (nint)readout * g.Width, g.ActionSlots * g.Width),
            "read-out rows");
        AssertSameBits(pass.Floats("normalized_actions"), chunk.Normalized.Values, "normalized_actions");
        Assert.Equal(pass.Doubles("env_actions"), chunk.EnvironmentActions.ToArray());
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Pass_EveryKernelAndThreadCount_GivesTheSameBits(string name)
    {
        var golden = GoldenCase.Open(name);
        var observation = golden.Observation();
        RecordedPass? first = null;
        foreach (string kernel in KernelSelector.Available)
        {
            // The plain kernel needs seconds for the largest case; BitContractTests runs it at every thread count on another model.
            int[] counts = kernel == "reference" && name == "vla_full224" ? [2] : ThreadCounts;
            foreach (int threads in counts)
            {
                using var policy = models.Load(golden, options => options with { Kernel = kernel, Threads = threads });
                var pass = RecordedPass.Of(policy, observation);
                first ??= pass;
                first.AssertSameBits(pass, $"{kernel}, {threads} threads");
            }
        }
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void SecondPass_OnTheSamePolicy_GivesTheSameBits(string name)
    {
        var golden = GoldenCase.Open(name);
        var observation = golden.Observation();
        using var policy = models.Load(golden);
        var first = RecordedPass.Of(policy, observation);

        // A different instruction in between leaves longer and other rows in every buffer.
        string longer = observation.Instruction + " and then put everything back again";
        RecordedPass.Of(policy, new Observation(observation.Frames, observation.Proprio, longer));
        first.AssertSameBits(RecordedPass.Of(policy, observation), "after another instruction");
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i]);
            Assert.True(same, $"{what}, element {i}: {actual[i]:r}, not {expected[i]:r}.");
        }
    }
}
