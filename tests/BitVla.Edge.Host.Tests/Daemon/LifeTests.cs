using System.Diagnostics;
using BitVla.Edge.Host.Daemon;
using BitVla.Edge.Host.Demo;
using BitVla.Format;
using BitVla.Packing.Synth;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Tests.Daemon;

public sealed class LifeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Stop_DuringAPass_CancelsItAndSaysStoppedWithinTwoSeconds()
    {
        var policy = new ScriptedPolicy { Holds = true };
        await using var rig = await DaemonRig.StartAsync(policy);
        await rig.Robot.NextAsync(rig.Robot.Topics.Birth);
        await rig.Robot.ObserveAsync(1);
        await policy.BegunAsync();
        using var stop = new CancellationTokenSource();
        var running = rig.Daemon.RunAsync(stop.Token);
        var watch = Stopwatch.StartNew();
        await stop.CancelAsync();
        var status = await rig.Robot.NextAsync(rig.Robot.Topics.Status, m => m.As(WireTables.Status).State == StatusMessage.Stopped);
        await running;
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.True(status.Retain);
        Assert.True(policy.Disposed);
        Assert.Null(rig.Daemon.Failure);
        Assert.DoesNotContain(rig.Robot.Seen, m => m.Topic == rig.Robot.Topics.ActionChunk);
    }

    [Fact]
    public async Task Model_ThatIsNone_EndsTheDaemonWithItsReason()
    {
        await using var rig = await DaemonRig.StartAsync(load: null, folder.Write("broken.bitvla", "not a model"));
        await rig.Daemon.RunAsync(TestContext.Current.CancellationToken);
        Assert.IsType<ArtifactException>(rig.Daemon.Failure);
    }

    [Fact]
    public async Task Model_OfAnotherWidthThanTheNames_EndsTheDaemonWithItsReason()
    {
        var policy = new ScriptedPolicy();
        await using var rig = await DaemonRig.StartAsync(policy, "action.names=x,y");
        await rig.Daemon.RunAsync(TestContext.Current.CancellationToken);
        Assert.IsType<ConfigurationException>(rig.Daemon.Failure);
        Assert.True(policy.Disposed);
    }

    [Fact]
    public async Task Port_Taken_IsAConfigurationError()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        var wrong = await Assert.ThrowsAsync<ConfigurationException>(
            () => DaemonRig.StartAsync(new ScriptedPolicy(), $"mqtt.embedded_port={rig.Daemon.Options.Port}"));
        Assert.Contains("mqtt.embedded_port", wrong.Message, StringComparison.Ordinal);
    }

    // The real engine: the head says its bias whatever it sees, so every number of the message is known beforehand.
    [Fact]
    public async Task Chunk_OfARealModelWithABiasedHead_HasUnitsAndGripperOfTheFile()
    {
        float[] bias = [0, 0.5f, -0.5f, 1, -1, 0, 1];
        string file = folder["biased.bitvla"];
        new SynthModel("biased", SynthPresets.Geometry(SynthPresets.Tiny), 1, bias).Write(file, TestContext.Current.CancellationToken);
        ModelStatistics statistics;
        using (var model = PackedModel.Open(file))
        {
            statistics = model.Manifest.Statistics[0];
        }

        await using var rig = await DaemonRig.StartAsync(load: null, file, "engine.threads=1", "instruction.initial=open the middle drawer of the cabinet", "action.ttl_ms=600000");
        var birth = (await rig.Robot.NextAsync(rig.Robot.Topics.Birth)).As(WireTables.Birth);
        foreach (string camera in birth.Cameras)
        {
            await rig.Robot.ImageAsync(camera, DemoPictures.Render(0, 1), 1);
        }

        var state = new ProprioMessage { Sequence = 9, AgeUs = 0, Values = new double[birth.ProprioDim] };
        await rig.Robot.SendAsync(rig.Robot.Topics.ObsProprio, WireTables.Proprio.Encode(state, WireEncoding.Json));
        var chunk = await rig.Robot.ChunkAsync();
        Assert.Equal((9u, 0, "synthetic"), (chunk.ObservationSequence, chunk.Start, birth.Unnorm));
        for (int i = 0; i < chunk.Actions.Length; i++)
        {
            int j = i % bias.Length;
            double expected = statistics.ActionMask[j]
                ? 0.5f * (bias[j] + 1f) * (statistics.ActionQ99[j] - statistics.ActionQ01[j] + 1e-8) + statistics.ActionQ01[j]
                : bias[j];
            if (j == bias.Length - 1 && chunk.Grip == WireWords.GripLibero)
            {
                expected = expected > 0.5 ? -1 : 1;
            }

            Assert.Equal(expected, chunk.Actions.Span[i], 1e-5);
        }
    }

    [Fact]
    public void Statistics_OfPasses_AreMediansAndPercentiles()
    {
        var clock = new TestKit.ScriptedClock();
        var statistics = new PassStatistics(clock);
        for (int i = 1; i <= 100; i++)
        {
            statistics.CountPass(new StageTimes(i, Vision: 2 * i), 5);
        }

        clock.Advance(TimeSpan.FromSeconds(3));
        var summary = statistics.Summarize(4, null);
        Assert.Equal((100, 100.0, 3.0), (summary.Passes, summary.Last!.Total, summary.IdleSeconds!.Value));
        Assert.Equal((68.0, 136.0, 97.0), (summary.Median!.Total, summary.Median.Vision!.Value, summary.Percentile95!.Total));
    }
}
