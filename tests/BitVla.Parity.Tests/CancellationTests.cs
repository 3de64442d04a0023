using System.Diagnostics;
using BitVla.Contracts;
using BitVla.Format;
using BitVla.Model;
using BitVla.Packing.Synth;

namespace BitVla.Parity.Tests;

/// <summary>A pass that is no longer wanted ends soon, and leaves the policy as it was.</summary>
[Collection(nameof(AloneInProcess))]
public sealed class CancellationTests(PackedModels models, ITestOutputHelper output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(0.2);

    [Theory]
    [InlineData("pixel_values")]
    [InlineData("vision.embeddings")]
    [InlineData("llm.inputs_embeds")]
    [InlineData("llm.layer.1")]
    public void Predict_CancelledMidPass_StopsSoonAndALaterPassIsRight(string doorway)
    {
        // Sixteen decoder layers: whatever the doorway, most of a pass of half a second or more is still to come.
        string file = models.Synthetic(SynthPresets.Tiny, 5, Deep);
        var options = new PolicyOptions { Threads = 2, Unpruned = true };
        using var policy = BitVlaPolicy.Load(file, options, TestContext.Current.CancellationToken);
        var observation = SyntheticObservation.For(policy.Model.Manifest, 13);
        var expected = RecordedPass.Of(policy, observation);

        using var source = new CancellationTokenSource();
        using var reached = new ManualResetEventSlim();
        long cancelled = 0;
        var canceller = new Thread(() =>
        {
            reached.Wait(TestContext.Current.CancellationToken);
            cancelled = Stopwatch.GetTimestamp();
            source.Cancel();
        });
        canceller.Start();
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        var signal = new DoorwaySignal(doorway, reached);
        Assert.ThrowsAny<OperationCanceledException>(() => policy.Predict(observation, chunk, signal, source.Token));
        long stopped = Stopwatch.GetTimestamp();
        canceller.Join();
        var taken = Stopwatch.GetElapsedTime(cancelled, stopped);
        output.WriteLine($"{doorway}: {taken.TotalMilliseconds:f2} ms");
        Assert.True(taken < Bound, $"{doorway}: {taken.TotalMilliseconds:f1} ms.");
        Assert.All(chunk.Normalized.Values.ToArray(), value => Assert.Equal(0f, value));
        expected.AssertSameBits(RecordedPass.Of(policy, observation), "after a cancelled pass");
    }

    [Fact]
    public void Predict_CancelledBeforeLargestFrames_DoesNotPrepareThem()
    {
        // The longest stage outside the kernels: two frames of 4096 x 4096 take about two seconds.
        const int Side = 4096;
        using var policy = BitVlaPolicy.Load(
            models.Synthetic(SynthPresets.Tiny, 5), new PolicyOptions { Threads = 2 }, TestContext.Current.CancellationToken);
        var right = SyntheticObservation.For(policy.Model.Manifest, 13);
        var frames = right.Frames.Select(frame => new CameraFrame(frame.Camera, Side, Side, new byte[Side * Side * 3])).ToArray();
        var observation = new Observation(frames, right.Proprio, right.Instruction);
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        long started = Stopwatch.GetTimestamp();
        Assert.ThrowsAny<OperationCanceledException>(() => policy.Predict(observation, chunk, new CancellationToken(canceled: true)));
        var taken = Stopwatch.GetElapsedTime(started);
        output.WriteLine($"{taken.TotalMilliseconds:f2} ms");
        Assert.True(taken < Bound, $"{taken.TotalMilliseconds:f1} ms.");
    }

    private static ModelGeometry Deep(ModelGeometry g) => g with { Layers = 16, Width = 512, FeedForward = 1376, Heads = 4, KvHeads = 2 };

    private sealed class DoorwaySignal(string doorway, ManualResetEventSlim reached) : DoorwayTrace
    {
        public override void Record(string at, ReadOnlySpan<float> values, int rows, int columns)
        {
            if (at == doorway)
            {
                reached.Set();
            }
        }

        public override void Record(string at, ReadOnlySpan<double> values, int rows, int columns)
        {
        }
    }
}
