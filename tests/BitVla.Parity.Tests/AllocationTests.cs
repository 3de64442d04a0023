using BitVla.Contracts;
using BitVla.Model;
using BitVla.Packing.Synth;

namespace BitVla.Parity.Tests;

/// <summary>Runs alone: it counts what the whole process allocates.</summary>
[CollectionDefinition(nameof(AloneInProcess), DisableParallelization = true)]
public sealed class AloneInProcess;

/// <summary>A pass allocates no managed memory once the first has run.</summary>
[Collection(nameof(AloneInProcess))]
public sealed class AllocationTests(PackedModels models)
{
    private const int Passes = 20;

    [Fact]
    public void Predict_AfterTheFirstPass_AllocatesNothingOnTheCallingThread()
    {
        using var policy = Load(out var observation, out var chunk);
        policy.Predict(observation, chunk, TestContext.Current.CancellationToken);
        for (int i = 0; i < Passes; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            policy.Predict(observation, chunk, TestContext.Current.CancellationToken);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void Predict_AfterTheFirstPass_AllocatesNothingOnAnyThread()
    {
        // The process total sees the workers. The test runner may add to it at any time, but what a pass itself allocates would
        // show in every pass: the least is the pass's own.
        using var policy = Load(out var observation, out var chunk);
        policy.Predict(observation, chunk, TestContext.Current.CancellationToken);
        long least = long.MaxValue;
        for (int i = 0; i < Passes; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            policy.Predict(observation, chunk, TestContext.Current.CancellationToken);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.Equal(0, least);
    }

    private BitVlaPolicy Load(out Observation observation, out ActionChunk chunk)
    {
        var policy = BitVlaPolicy.Load(
            models.Synthetic(SynthPresets.Awkward, 7), new PolicyOptions { Threads = 3 }, TestContext.Current.CancellationToken);
        observation = SyntheticObservation.For(policy.Model.Manifest, 11);
        chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        return policy;
    }
}
