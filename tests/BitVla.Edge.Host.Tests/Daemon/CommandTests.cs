using BitVla.Edge.Host.Daemon;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;
using Microsoft.Extensions.DependencyInjection;

namespace BitVla.Edge.Host.Tests.Daemon;

public sealed class CommandTests
{
    [Fact]
    public async Task Instruct_DuringAPass_IsObeyedByTheNextChunkAndEachSaysWhich()
    {
        var told = new List<string>();
        var policy = new ScriptedPolicy { Holds = true, During = o => told.Add(o.Instruction) };
        await using var rig = await DaemonRig.StartAsync(policy);
        await Ready(rig);
        await rig.Robot.ObserveAsync(1);
        await policy.BegunAsync();
        var reply = await rig.Robot.CommandAsync("instruct", """{"instruction":"close the drawer"}""");
        Assert.Equal((true, "OK", StateBoard.Running), (reply.Ok, reply.Code, reply.State));
        policy.Allow();
        Assert.Equal(1u, (await rig.Robot.ChunkAsync()).Instruction);
        await rig.Robot.ObserveAsync(2);
        policy.Allow();
        Assert.Equal(2u, (await rig.Robot.ChunkAsync()).Instruction);
        Assert.Equal(["pick up the bowl", "close the drawer"], told);
        Assert.Contains(rig.Robot.Seen, m => m.Topic == rig.Robot.Topics.Birth && m.As(WireTables.Birth).InstructionText == "close the drawer");
    }

    [Fact]
    public async Task Pause_DuringAPass_SilencesItUntilResume()
    {
        var policy = new ScriptedPolicy { Holds = true };
        await using var rig = await DaemonRig.StartAsync(policy);
        await Ready(rig);
        await rig.Robot.ObserveAsync(1);
        await policy.BegunAsync();
        Assert.Equal(StateBoard.Paused, (await rig.Robot.CommandAsync("pause")).State);
        policy.Allow();
        await rig.Robot.ObserveAsync(2);
        Assert.True((await rig.Robot.CommandAsync("resume")).Ok);
        await rig.Robot.ObserveAsync(3);
        policy.Allow();
        var chunk = await rig.Robot.ChunkAsync();
        Assert.Equal((3u, 1u), (chunk.ObservationSequence, chunk.Sequence));
    }

    [Fact]
    public async Task Pause_WithoutReplyTopic_IsObeyed()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.SendAsync(rig.Robot.Command("pause", "").WithMessageExpiryInterval(1));
        await rig.Robot.StateAsync(StateBoard.Paused);
    }

    [Fact]
    public async Task Rebirth_SaysBirthAndStateAgain()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.CommandAsync("rebirth");
        int births = rig.Robot.Seen.Count(m => m.Topic == rig.Robot.Topics.Birth);
        Assert.Equal(2, births);
    }

    [Theory]
    [InlineData("instruct", "{}", 5u, "WIRE.MISSING")]
    [InlineData("instruct", "[", 5u, "WIRE.MALFORMED")]
    [InlineData("instruct", """{"instruction":"x"}""", null, EventCodes.CommandNoExpiry)]
    [InlineData("resume", "{}", 6u, EventCodes.CommandLongExpiry)]
    [InlineData("arm", "{}", 5u, EventCodes.CommandUnknown)]
    public async Task Command_NotToBeObeyed_IsRefusedWithReplyAndEvent(string verb, string body, uint? expiry, string code)
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        var reply = await rig.Robot.CommandAsync(verb, body, expiry);
        Assert.Equal((false, code), (reply.Ok, reply.Code));
        Assert.Single(reply.Reasons);
        await rig.Robot.EventAsync(code);
        Assert.Equal(1u, Current(rig).Id);
    }

    [Fact]
    public async Task Command_WithoutReplyTopic_IsRefused()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.SendAsync(rig.Robot.Command("instruct", """{"instruction":"x"}""").WithMessageExpiryInterval(1));
        await rig.Robot.EventAsync(EventCodes.CommandNoReplyTopic);
        Assert.Equal(1u, Current(rig).Id);
    }

    [Fact]
    public async Task Command_Retained_IsRefused()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.CommandAsync("pause", retained: true);
        await rig.Robot.EventAsync(EventCodes.CommandRetained);
        Assert.False(rig.Daemon.Services.GetRequiredService<StateBoard>().IsPaused);
    }

    [Fact]
    public async Task Command_QueuedAcrossAGap_IsRefusedButEstop()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        var desk = rig.Daemon.Services.GetRequiredService<CommandDesk>();
        desk.Receive(Queued("resume"));
        await rig.Robot.EventAsync(EventCodes.CommandStale);
        desk.Receive(Queued("estop"));
        await rig.Robot.EventAsync(EventCodes.EstopNoSink);
        Assert.True(rig.Daemon.Services.GetRequiredService<StateBoard>().IsPaused);
    }

    [Fact]
    public async Task Observation_QueuedAcrossAGap_IsRefused()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        rig.Daemon.Services.GetRequiredService<ObservationDesk>().Receive(Queued("front") with { Kind = WireTopicKind.Image });
        await rig.Robot.EventAsync(EventCodes.ObservationStale);
    }

    [Fact]
    public async Task Estop_WithNothingRight_PausesAndIsReported()
    {
        await using var rig = await DaemonRig.StartAsync(new ScriptedPolicy());
        await Ready(rig);
        await rig.Robot.SendAsync(rig.Robot.Topics.Cmd("estop"), [0xFF, 0, 1], "nonsense");
        await rig.Robot.StateAsync(StateBoard.Paused);
        Assert.Equal((int)EventSeverity.Critical, (await rig.Robot.EventAsync(EventCodes.EstopNoSink)).Severity);
    }

    private static Instruction Current(DaemonRig rig) => rig.Daemon.Services.GetRequiredService<InstructionSlot>().Current;

    private static Task<Received> Ready(DaemonRig rig) => rig.Robot.NextAsync(rig.Robot.Topics.Birth);

    private static InboundMessage Queued(string verb) => new()
    {
        Kind = WireTopicKind.Command,
        Name = verb,
        Payload = ReadOnlyMemory<byte>.Empty,
        ReceivedAt = TimeSpan.Zero,
        ExpirySeconds = 5,
        QueuedAcrossGap = true,
    };
}
