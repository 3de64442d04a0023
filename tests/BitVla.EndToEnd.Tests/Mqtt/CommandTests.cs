using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests.Mqtt;

// Goal: a command is obeyed only when it was surely meant for now, and whoever sent it hears what became of it. Method: commands that
// are retained, expired, without expiry or queued behind a stopped process, under both brokers.
[Collection(DaemonModels.Name)]
public sealed class CommandTests(DaemonModels models, ITestOutputHelper output)
{
    private const string Other = """{"instruction":"open the top drawer"}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Command_RetainedWhileTheDaemonListens_IsRefusedAndReported(bool mosquitto)
    {
        await using var broker = mosquitto ? await MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        foreach (var (verb, body) in ((string, string)[])[("instruct", Other), ("pause", "{}"), ("rebirth", "{}")])
        {
            int place = robot.Heard.Count;
            Heard reply = await robot.AskAsync(verb, body, retain: true);
            Assert.False(reply.Json.GetProperty("ok").GetBoolean());
            Assert.Equal("CMD.RETAINED_REFUSED", reply.Text("code"));
            Heard told = await robot.EventAsync("CMD.RETAINED_REFUSED", place);
            Assert.Equal(verb, told.Json.GetProperty("data").GetProperty("verb").GetString());
        }

        await NothingWasObeyedAsync(robot);
    }

    [Fact]
    public async Task Command_RetainedByTheBrokerBeforeTheDaemonCame_IsRefusedAndReported()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var robot = await RobotClient.ConnectAsync(broker.Port);
        byte[] token = await robot.CommandAsync("pause", "{}", retain: true);
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker.Port);
        Assert.Equal("CMD.RETAINED_REFUSED", (await robot.ReplyAsync(token, 0)).Text("code"));
        await robot.EventAsync("CMD.RETAINED_REFUSED", 0);
        await NothingWasObeyedAsync(robot);
    }

    [Theory]
    [InlineData(false, 0u, "CMD.NO_EXPIRY")]
    [InlineData(true, 0u, "CMD.NO_EXPIRY")]
    [InlineData(false, 6u, "CMD.EXPIRY_TOO_LONG")]
    [InlineData(true, 6u, "CMD.EXPIRY_TOO_LONG")]
    public async Task Command_WithoutAnExpiryItMayHave_IsRefusedAndReported(bool mosquitto, uint expirySeconds, string code)
    {
        await using var broker = mosquitto ? await MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        int place = robot.Heard.Count;
        Assert.Equal(code, (await robot.AskAsync("pause", "{}", expirySeconds)).Text("code"));
        await robot.EventAsync(code, place);
        await NothingWasObeyedAsync(robot);
    }

    [Fact]
    public async Task Command_ExpiredAtTheBroker_IsNotDelivered()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var robot = await RobotClient.ConnectAsync(broker.Port);
        byte[] token = await robot.CommandAsync("pause", "{}", 1, retain: true);
        await PassAsync(TimeSpan.FromSeconds(2.1));
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker.Port);
        await NothingWasObeyedAsync(robot);
        Assert.DoesNotContain(robot.Heard.From(0), heard => heard.Message.CorrelationData?.AsSpan().SequenceEqual(token) == true && heard.Topic.StartsWith("rsp/", StringComparison.Ordinal));
    }

    // Two seconds: within the keep-alive's patience, so the connection lives on and what waited in it is read.
    [Theory]
    [InlineData(false, 1u)]
    [InlineData(false, 5u)]
    [InlineData(true, 5u)]
    public async Task Command_QueuedWhileTheProcessStoodStill_IsRefusedAsStale(bool mosquitto, uint expirySeconds)
    {
        await using var broker = mosquitto ? await MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");
        int place = robot.Heard.Count;
        byte[][] tokens = await QueueWhileStoppedAsync(daemon, robot, expirySeconds, TimeSpan.FromSeconds(2));
        await robot.EventAsync("LINK.GAP", place);
        await robot.EventAsync("CMD.STALE", place);
        foreach (byte[] token in tokens)
        {
            Assert.Equal("CMD.STALE", (await robot.ReplyAsync(token, place)).Text("code"));
        }

        await NothingWasObeyedAsync(robot);
        Assert.Equal("OK", (await robot.AskAsync("pause", "{}")).Text("code"));
    }

    // Five seconds: both sides may have given the connection up, and what waited in it with it. Then nobody can be told, but nothing
    // may be obeyed either.
    [Theory]
    [InlineData(false, 1u)]
    [InlineData(false, 5u)]
    [InlineData(true, 5u)]
    public async Task Command_QueuedBeyondTheKeepAlive_IsNeverObeyed(bool mosquitto, uint expirySeconds)
    {
        await using var broker = mosquitto ? await MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");
        int line = daemon.Log.Count;
        await QueueWhileStoppedAsync(daemon, robot, expirySeconds, TimeSpan.FromSeconds(5));
        await daemon.LineAsync("EVENT LINK.GAP", line);
        await NothingWasObeyedAsync(robot);
        await using var after = await RobotClient.ConnectAsync(daemon.Port);
        Assert.Equal("OK", (await after.AskAsync("pause", "{}")).Text("code"));
        output.WriteLine($"after five seconds: {string.Join(" | ", daemon.Log.From(line).Where(said => said.Contains("EVENT", StringComparison.Ordinal) || said.Contains("LINK", StringComparison.Ordinal)))}");
    }

    [Fact]
    public async Task Instruction_ChangedDuringAPass_ChunkSaysWhichWasObeyed()
    {
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Slow);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");
        await robot.ObserveAsync(1);
        await robot.StateAsync("RUNNING_SHADOW");
        Assert.Equal("OK", (await robot.AskAsync("instruct", Other)).Text("code"));
        var heard = robot.Heard.From(0);
        Assert.DoesNotContain(heard, message => message.Topic == "action/chunk");
        Heard first = await robot.NextAsync("action/chunk");
        Assert.Equal((1, 1), (first.Number("obs_seq"), first.Number("instr")));
        Heard second = await robot.ChunkOfAsync(2);
        Assert.Equal(2, second.Number("instr"));
        await robot.NextAsync("birth", fits: birth => birth.Number("instr") == 2 && birth.Text("instruction") == "open the top drawer");
        Assert.NotEqual(first.Json.GetProperty("actions").GetRawText(), second.Json.GetProperty("actions").GetRawText());
        output.WriteLine($"pass of the slow model: {first.Json.GetProperty("lat").GetProperty("total").GetDouble():F0} ms");
    }

    [Fact]
    public async Task Pause_DuringAPass_SilencesItUntilResumed()
    {
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Slow, null, "observation.max_age_ms=10000");
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");
        await robot.ObserveAsync(1);
        await robot.StateAsync("RUNNING_SHADOW");
        Assert.Equal("PAUSED", (await robot.AskAsync("pause", "{}")).Text("state"));
        await robot.ObserveAsync(2);
        Assert.Equal("OK", (await robot.AskAsync("resume", "{}")).Text("code"));
        Assert.Equal(1, (await robot.ChunkOfAsync(3)).Number("seq"));
    }

    [Fact]
    public async Task Estop_RetainedWithoutAnything_IsObeyed()
    {
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.PublishAsync("cmd/estop", [0xFF, 0x00], retain: true);
        await robot.EventAsync("ESTOP.NO_SINK", 0);
        await robot.StateAsync("PAUSED");
    }

    private static async Task<byte[][]> QueueWhileStoppedAsync(RunningDaemon daemon, RobotClient robot, uint expirySeconds, TimeSpan time)
    {
        Task<byte[]>[] queued;
        daemon.Signal("STOP");
        try
        {
            // An embedded broker acknowledges nothing while it stands still.
            queued = [robot.CommandAsync("pause", "{}", expirySeconds), robot.CommandAsync("instruct", Other, expirySeconds)];
            await PassAsync(time);
        }
        finally
        {
            daemon.Signal("CONT");
        }

        return await Task.WhenAll(queued);
    }

    // Still on its first instruction, running, and answering.
    private static async Task NothingWasObeyedAsync(RobotClient robot)
    {
        Heard? chunk = null;
        for (uint sequence = 100; chunk is null; sequence++)
        {
            // One sent while the daemon is on its way back is lost, as an observation may be.
            Assert.InRange(sequence, 100u, 110u);
            int place = robot.Heard.Count;
            await robot.ObserveAsync(sequence);
            chunk = await robot.NextOrNothingAsync("action/chunk", place, TimeSpan.FromSeconds(1));
        }

        Assert.Equal(1, chunk.Number("instr"));
        Assert.DoesNotContain(robot.Heard.From(0), heard => heard.Topic == "state" && heard.Payload.Length > 0 && heard.Text("state") == "PAUSED");
        Assert.DoesNotContain(robot.Heard.From(0), heard => heard.Topic == "event" && heard.Text("code") == "INSTRUCTION.CHANGED");
    }

    // What is under test is that real time goes by while a process stands still.
    private static async Task PassAsync(TimeSpan time)
    {
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync();
    }
}
