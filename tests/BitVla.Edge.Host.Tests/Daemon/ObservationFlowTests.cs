using BitVla.Contracts;
using BitVla.Edge.Host.Daemon;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Tests.Daemon;

// Goal: what goes in over MQTT comes out as a chunk that says what it is. Method: embedded broker, a policy that answers by script.
public sealed class ObservationFlowTests
{
    [Theory]
    [InlineData("json", WireContent.Json)]
    [InlineData("cbor", WireContent.Cbor)]
    public async Task Chunk_FromAnObservation_HasEveryField(string encoding, string contentType)
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy(), $"mqtt.encoding={encoding}", "action.ttl_ms=3200", "action.dt_ms=33.5");
        var birth = (await rig.Robot.NextAsync(rig.Robot.Topics.Birth)).As(WireTables.Birth);
        await rig.Robot.ObserveAsync(77, first: 0.5);
        var arrived = await rig.Robot.NextAsync(rig.Robot.Topics.ActionChunk);
        var chunk = arrived.As(WireTables.Chunk);
        Assert.Equal((contentType, 0, false), (arrived.ContentType, arrived.Qos, arrived.Retain));
        Assert.InRange(arrived.Expiry, 1u, 4u);
        Assert.Equal((1u, 1u, 77u, 1u), (chunk.Session, chunk.Sequence, chunk.ObservationSequence, chunk.Instruction));
        Assert.Equal((0, 2, 3, 3200u, 33.5), (chunk.Start, chunk.ChunkLength, chunk.ActionDim, chunk.TtlMs, chunk.StepMs));
        Assert.Equal([0.5, 1.5, -1, 3.5, 4.5, -1], chunk.Actions.ToArray());
        Assert.Equal(("eef_delta", "robot_base", WireWords.GripLibero, WireWords.Replace), (chunk.Space, chunk.Frame, chunk.Grip, chunk.Mode));
        Assert.Equal(["x", "y", "grip"], chunk.Names);
        Assert.Equal([WireWords.PolicyUnits], chunk.Units);
        Assert.Equal([WireWords.Shadow], chunk.Flags);
        Assert.Equal(new string('a', 16), chunk.Model);
        Assert.InRange(chunk.AgeUs, 2000u, 3_200_000u);
        Assert.Equal(chunk.AgeUs, chunk.PublishedUs - chunk.ObservedUs);
        Assert.Equal(1, chunk.Latency.Vision);
        Assert.True(chunk.Latency.Total >= chunk.Latency.Capture);
        Assert.Equal((birth.ChunkLength, birth.ActionDim, birth.Model, birth.Session), (chunk.ChunkLength, chunk.ActionDim, chunk.Model, chunk.Session));
    }

    [Fact]
    public async Task Birth_SaysWhatTheDaemonTakes()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        var message = await rig.Robot.NextAsync(rig.Robot.Topics.Birth);
        var birth = message.As(WireTables.Birth);
        Assert.True(message.Retain);
        Assert.Equal(ScriptedPolicy.Cameras, birth.Cameras);
        Assert.Equal((2, "bench", "reference", 1u, "pick up the bowl"), (birth.ProprioDim, birth.Unnorm, birth.Kernel, birth.Instruction, birth.InstructionText));
        Assert.Equal(WireTables.SchemaHash, birth.Schema);
        Assert.Contains(rig.Robot.Topics.ObsImage("wrist"), birth.Topics);
        Assert.Contains(rig.Robot.Topics.Cmd("instruct"), birth.Topics);
    }

    [Fact]
    public async Task Chunk_RawGripper_IsWhatTheNetworkGave()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy(), "action.gripper=raw", "action.units=m,m,ratio");
        await Ready(rig);
        await rig.Robot.ObserveAsync(1, first: 0);
        var chunk = await rig.Robot.ChunkAsync();
        Assert.Equal(WireWords.GripOpen1Closed0, chunk.Grip);
        Assert.Equal([0, 1, 2, 3, 4, 5], chunk.Actions.ToArray());
        Assert.Equal(["m", "m", "ratio"], chunk.Units);
    }

    [Fact]
    public async Task Observation_WithoutAge_IsFlagged()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.ObserveAsync(1, withAge: false);
        Assert.Equal([WireWords.Shadow, WireWords.AgeUnknown], (await rig.Robot.ChunkAsync()).Flags);
    }

    [Fact]
    public async Task State_FromStartToFirstObservation_TellsTheReasons()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy(), "instruction.initial=", "observation.patience_ms=300", "telemetry.period_ms=100");
        await rig.Robot.NextAsync(rig.Robot.Topics.State, m => m.As(WireTables.State).Reasons is [StateBoard.InstructionMissing]);
        await rig.Robot.CommandAsync("instruct", """{"instruction":"open the drawer"}""");
        await rig.Robot.ImageAsync("front", [1], 1);
        await rig.Robot.NextAsync(rig.Robot.Topics.State, m => m.As(WireTables.State).Reasons.Contains("CAMERA_MISSING:wrist"));
        await rig.Robot.ObserveAsync(2);
        var running = await rig.Robot.StateAsync(StateBoard.Running);
        Assert.True(running.Retain);
        Assert.Empty(running.As(WireTables.State).Reasons);
    }

    [Fact]
    public async Task Observation_ArrivingDuringAPass_ReplacesTheOneThatWaits()
    {
        var policy = new ScriptedPolicy { Holds = true };
        await using var rig = await DaemonRig.StartAsync(policy, "telemetry.period_ms=100");
        await Ready(rig);
        await rig.Robot.ObserveAsync(1);
        await policy.BegunAsync();
        await rig.Robot.ObserveAsync(2);
        await rig.Robot.ObserveAsync(3);
        await rig.Robot.NextAsync(rig.Robot.Topics.TelemetryInfer, m => m.As(WireTables.Infer).Dropped == 1);
        policy.Allow();
        Assert.Equal(1u, (await rig.Robot.ChunkAsync()).ObservationSequence);
        policy.Allow();
        var last = await rig.Robot.ChunkAsync();
        Assert.Equal((3u, 2u), (last.ObservationSequence, last.Sequence));
    }

    [Fact]
    public async Task Telemetry_AfterAPass_HasItsFigures()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy(), "telemetry.period_ms=100");
        await Ready(rig);
        await rig.Robot.ObserveAsync(1);
        var message = await rig.Robot.NextAsync(rig.Robot.Topics.TelemetryInfer, m => m.As(WireTables.Infer).Passes == 1);
        var telemetry = message.As(WireTables.Infer);
        Assert.Equal((5u, 0, false), (message.Expiry, message.Qos, message.Retain));
        Assert.Equal((42, "reference", 0L), (telemetry.Tokens, telemetry.Kernel, telemetry.Failures));
        Assert.Equal(telemetry.Last, telemetry.Median);
    }

    [Theory]
    [InlineData("""{"seq":1,"values":[1e999,0]}""")]
    [InlineData("""{"seq":1,"values":[-1e999,0]}""")]
    public async Task Proprio_NotFinite_IsAnEventAndNoObservation(string payload)
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.SendAsync(rig.Robot.Topics.ObsProprio, System.Text.Encoding.UTF8.GetBytes(payload));
        Assert.Equal((int)EventSeverity.Error, (await rig.Robot.EventAsync(EventCodes.ObservationNotFinite)).Severity);
        await rig.Robot.ImageAsync("front", [1], 1);
        await rig.Robot.ImageAsync("wrist", [1], 1);
        await rig.Robot.ObserveAsync(5);
        Assert.Equal(5u, (await rig.Robot.ChunkAsync()).ObservationSequence);
    }

    [Theory]
    [InlineData("obs/proprio", "{", "WIRE.MALFORMED")]
    [InlineData("obs/proprio", """{"seq":1}""", "WIRE.MISSING")]
    [InlineData("obs/proprio", """{"seq":1,"values":[1]}""", "OBS.WRONG_LENGTH")]
    [InlineData("obs/image/belly", "x", "OBS.UNKNOWN_SOURCE")]
    public async Task Payload_Malformed_IsATypedEventAndTheLoopGoesOn(string below, string payload, string code)
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.SendAsync($"{rig.Robot.Topics.Prefix}/bench/{below}", System.Text.Encoding.UTF8.GetBytes(payload));
        await rig.Robot.EventAsync(code);
        await rig.Robot.ObserveAsync(2);
        await rig.Robot.ChunkAsync();
    }

    [Fact]
    public async Task Events_OfOneCode_AreHeldBackAndCounted()
    {
        // Fewer than the embedded broker keeps for one client: none is lost on the way.
        const int Sent = 100;
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy(), "log.repeat_ms=200", "telemetry.period_ms=100");
        await Ready(rig);
        for (int i = 0; i < Sent; i++)
        {
            await rig.Robot.SendAsync(rig.Robot.Topics.ObsProprio, [(byte)'{']);
        }

        int told = 0;
        int events = 0;
        while (told < Sent)
        {
            var said = await rig.Robot.EventAsync(WireCodes.Malformed);
            told += 1 + (said.Data!.TryGetValue("held_back", out string? held) ? int.Parse(held, null) : 0);
            events++;
        }

        Assert.InRange(events, 2, Sent / 2);
    }

    [Fact]
    public async Task Image_Corrupt_IsAnEventAndTheNextPassRuns()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.ImageAsync("front", [0xFF, 0xD8, 0, 0], 1);
        await rig.Robot.ImageAsync("wrist", [], 1);
        await rig.Robot.ProprioAsync(1, 0);
        await rig.Robot.EventAsync(EventCodes.ImageRefused);
        await rig.Robot.ObserveAsync(2);
        Assert.Equal((2u, 1u), await Numbers(rig));
    }

    [Fact]
    public async Task Proprio_TooLarge_IsRefusedUnread()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.SendAsync(rig.Robot.Topics.ObsProprio, new byte[WireLimits.ProprioBytes + 1]);
        await rig.Robot.EventAsync(WireCodes.TooLarge);
    }

    [Fact]
    public async Task Pass_ThatRefuses_IsAnEventAndTheNextPassRuns()
    {
        var policy = new ScriptedPolicy();
        await using var rig = await DaemonRig.StartAsync(policy);
        await Ready(rig);
        policy.During = _ => throw new NonFiniteActionException("actions", 0, 1, double.NaN);
        await rig.Robot.ObserveAsync(1);
        Assert.Equal((int)EventSeverity.Critical, (await rig.Robot.EventAsync(EventCodes.ChunkNotFinite)).Severity);
        policy.During = _ => throw new ObservationException("prompt", "fewer tokens", "more");
        await rig.Robot.ObserveAsync(2);
        await rig.Robot.EventAsync(EventCodes.ObservationRefused);
        policy.During = null;
        await rig.Robot.ObserveAsync(3);
        Assert.Equal((3u, 1u), await Numbers(rig));
    }

    [Fact]
    public async Task Chunk_ReadyAfterItsTimeToLive_IsNotPublished()
    {
        var policy = new ScriptedPolicy();
        await using var rig = await DaemonRig.StartAsync(policy, "action.ttl_ms=1");
        await Ready(rig);
        await rig.Robot.ObserveAsync(1);
        await rig.Robot.EventAsync(EventCodes.ChunkOverdue);
        Assert.DoesNotContain(rig.Robot.Seen, m => m.Topic == rig.Robot.Topics.ActionChunk);
    }

    private static Task<Received> Ready(DaemonRig rig) => rig.Robot.NextAsync(rig.Robot.Topics.Birth);

    private static async Task<(uint Observation, uint Sequence)> Numbers(DaemonRig rig)
    {
        var chunk = await rig.Robot.ChunkAsync();
        return (chunk.ObservationSequence, chunk.Sequence);
    }
}
