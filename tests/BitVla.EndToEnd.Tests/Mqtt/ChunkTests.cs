using System.Diagnostics;
using System.Text.Json;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests.Mqtt;

// Goal: what arrives at a robot is what WIRE.md says, field by field. Method: a model whose head gives a known action whatever it sees, the
// published daemon, both kinds of broker, and a client that reads the bytes with nothing of the daemon's own.
[Collection(DaemonModels.Name)]
public sealed class ChunkTests(DaemonModels models)
{
    // Of the synthetic model's statistics, bitvla-pack's SynthModel.
    private static readonly double[] Low = [-0.75, -0.66, -0.94, -0.11, -0.21, -0.18];
    private static readonly double[] High = [0.94, 0.88, 0.93, 0.1, 0.18, 0.15];

    private static readonly string[] Names = ["x", "y", "z", "rx", "ry", "rz", "grip"];

    private static readonly string[] Fields =
    [
        "v", "session", "seq", "chunk_id", "obs_seq", "t_obs_us", "t_pub_us", "age_us", "ttl_ms", "dt_ms", "start", "n", "dim", "space", "frame",
        "names", "units", "grip", "mode", "instr", "flags", "model", "lat", "actions",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chunk_OfAKnownHead_HasEveryFieldRight(bool mosquitto)
    {
        await using var broker = mosquitto ? await MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");

        long before = RobotClient.UnixUs();
        long begun = Stopwatch.GetTimestamp();
        await robot.ProprioAsync(41, ageUs: 5_000);
        await robot.ImageAsync(DaemonModels.Front, DaemonModels.FrontPicture, 41, 20_000);
        await robot.ImageAsync(DaemonModels.Wrist, DaemonModels.WristPicture, 41, 10_000);
        Heard heard = await robot.NextAsync("action/chunk");
        double elapsedUs = Stopwatch.GetElapsedTime(begun, heard.Timestamp).TotalMicroseconds;

        Assert.Equal("application/json", heard.Message.ContentType);
        Assert.Equal(0, (int)heard.Message.QualityOfServiceLevel);
        Assert.False(heard.Message.Retain);
        JsonElement chunk = heard.Json;
        Assert.Equal(Fields, chunk.EnumerateObject().Select(member => member.Name));
        Assert.Equal(1, heard.Number("v"));
        Assert.Equal(1, heard.Number("session"));
        Assert.Equal(1, heard.Number("seq"));
        Assert.Matches("^[0-7][0-9A-HJKMNP-TV-Z]{25}$", heard.Text("chunk_id"));
        Assert.Equal(41, heard.Number("obs_seq"));
        Assert.InRange(heard.Number("t_pub_us"), before, heard.UnixUs);
        Assert.Equal(heard.Number("t_pub_us") - heard.Number("age_us"), heard.Number("t_obs_us"));
        double passUs = chunk.GetProperty("lat").GetProperty("total").GetDouble() * 1000;
        Assert.InRange(heard.Number("age_us"), 20_000 + passUs - 1, 20_000 + elapsedUs);
        Assert.Equal(5000, heard.Number("ttl_ms"));
        Assert.Equal((uint)Math.Ceiling(((5000 * 1000) - heard.Number("age_us")) / 1e6), heard.Message.MessageExpiryInterval);
        Assert.Equal(50, chunk.GetProperty("dt_ms").GetDouble());
        Assert.Equal(0, heard.Number("start"));
        Assert.Equal(8, heard.Number("n"));
        Assert.Equal(7, heard.Number("dim"));
        Assert.Equal("eef_delta", heard.Text("space"));
        Assert.Equal("robot_base", heard.Text("frame"));
        Assert.Equal(Names, Texts(chunk, "names"));
        Assert.Equal("policy", heard.Text("units"));
        Assert.Equal("libero_pm1", heard.Text("grip"));
        Assert.Equal("replace", heard.Text("mode"));
        Assert.Equal(1, heard.Number("instr"));
        Assert.Equal(["shadow"], Texts(chunk, "flags"));
        Assert.Equal(models.OpenId[..16], heard.Text("model"));
        CheckLatency(chunk.GetProperty("lat"));

        // 1 of the network is open, which LIBERO calls -1.
        CheckActions(chunk, [0.5f, 0.25f, -0.5f, 0f, 0.125f, -1f], -1);
    }

    [Fact]
    public async Task Chunk_GripperClosedAndUnitsConfigured_SaysBoth()
    {
        string[] units = ["m", "m", "m", "rad", "rad", "rad", "ratio"];
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Closed, null, "action.units=m,m,m,rad,rad,rad,ratio", "action.dt_ms=40", "action.ttl_ms=3000");
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        Heard chunk = await robot.ChunkOfAsync(7);
        Assert.Equal(units, Texts(chunk.Json, "units"));
        Assert.Equal(units, Texts((await robot.NextAsync("birth")).Json, "units"));
        Assert.Equal(40, chunk.Json.GetProperty("dt_ms").GetDouble());
        Assert.Equal(3000, chunk.Number("ttl_ms"));
        CheckActions(chunk.Json, [-1f, 1f, 0f, 0.75f, -0.25f, 0.5f], 1);
    }

    [Fact]
    public async Task Chunk_RawGripper_IsTheNetworksOwn()
    {
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, null, "action.gripper=raw");
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        Heard chunk = await robot.ChunkOfAsync(7);
        Assert.Equal("open1_closed0", chunk.Text("grip"));
        Assert.Equal("open1_closed0", (await robot.NextAsync("birth")).Text("grip"));
        CheckActions(chunk.Json, [0.5f, 0.25f, -0.5f, 0f, 0.125f, -1f], 1);
    }

    [Fact]
    public async Task Chunk_JpegPicturesWithoutAge_SaysThatTheAgeIsUnknown()
    {
        byte[] jpeg = await File.ReadAllBytesAsync(Repository.Golden("units", "jpeg", "baseline.jpg"), TestContext.Current.CancellationToken);
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.ProprioAsync(9);
        await robot.PublishAsync($"obs/image/{DaemonModels.Front}", jpeg, contentType: "image/jpeg");
        await robot.PublishAsync($"obs/image/{DaemonModels.Wrist}", jpeg, contentType: "image/jpeg");
        Heard chunk = await robot.NextAsync("action/chunk");
        Assert.Equal(["shadow", "age_unknown"], Texts(chunk.Json, "flags"));
        Assert.Equal(9, chunk.Number("obs_seq"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Announcements_ToAClientThatComesLater_AreKeptAndRight(bool mosquitto)
    {
        await using var broker = mosquitto ? await MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        Heard first = await robot.ChunkOfAsync(1);
        await robot.StateAsync("RUNNING_SHADOW");

        await using var late = await RobotClient.ConnectAsync(daemon.Port);
        Heard status = await late.NextAsync("status");
        Heard birth = await late.NextAsync("birth");
        Heard state = await late.NextAsync("state");
        Assert.All([status, birth, state], heard =>
        {
            Assert.True(heard.Message.Retain);
            Assert.Equal(1, heard.Number("session"));
            Assert.Equal("application/json", heard.Message.ContentType);
        });
        Assert.Equal("online", status.Text("state"));
        Assert.Equal(status.Text("instance"), birth.Text("instance"));
        Assert.Equal("RUNNING_SHADOW", state.Text("state"));
        Assert.Empty(Texts(state.Json, "reasons"));
        Assert.Equal(1, state.Number("instr"));
        Assert.Equal(models.OpenId[..16], birth.Text("model"));
        Assert.Equal("synthetic", birth.Text("unnorm"));
        Assert.Equal(1, birth.Number("instr"));
        Assert.Equal(DaemonModels.Told, birth.Text("instruction"));
        Assert.Equal([DaemonModels.Front, DaemonModels.Wrist], Texts(birth.Json, "cameras"));
        Assert.Equal(8, birth.Number("proprio_dim"));
        Assert.Matches("^[0-9a-f]{16}$", birth.Text("schema"));
        foreach (string same in (string[])["n", "dim", "dt_ms", "space", "frame", "names", "units", "grip"])
        {
            Assert.Equal(first.Json.GetProperty(same).GetRawText(), birth.Json.GetProperty(same).GetRawText());
        }

        Assert.Contains(RobotClient.Prefix + "action/chunk", Texts(birth.Json, "topics"));

        // Motion is never kept.
        Heard next = await robot.ChunkOfAsync(2);
        Assert.Equal(2, next.Number("seq"));
        await late.NextAsync("action/chunk", fits: heard => heard.Number("seq") == 2);
        Assert.Single(late.Heard.From(0), heard => heard.Topic == "action/chunk");

        Heard reply = await robot.AskAsync("rebirth", "{}");
        Assert.True(reply.Json.GetProperty("ok").GetBoolean());
        Assert.Equal("OK", reply.Text("code"));
    }

    [Fact]
    public async Task Telemetry_WhilePassesRun_ComesOnceASecondAndCounts()
    {
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.ChunkOfAsync(1);
        await robot.ChunkOfAsync(2);
        var times = new List<long>();
        int place = robot.Heard.Count;
        for (int i = 0; i < 4; i++)
        {
            (Heard heard, place) = await robot.NextWithPlaceAsync("telemetry/infer", place);
            times.Add(heard.Number("t_us"));
            Assert.Equal(2, heard.Number("passes"));
            Assert.Equal(0, heard.Number("failures"));
            Assert.True(heard.Number("tokens") > 0);
            CheckLatency(heard.Json.GetProperty("last"));
            Assert.False(heard.Message.Retain);
            Assert.InRange(heard.Message.MessageExpiryInterval, 1u, 5u);
        }

        double period = (times[^1] - times[0]) / 1e6 / (times.Count - 1);
        Assert.InRange(period, 0.9, 1.1);
        Console.WriteLine($"measured: telemetry every {period:F3} s");
    }

    private static void CheckLatency(JsonElement latency)
    {
        Assert.Equal(["cap", "pre", "vis", "llm", "head", "total"], latency.EnumerateObject().Select(member => member.Name));
        Assert.All(latency.EnumerateObject(), stage => Assert.InRange(stage.Value.GetDouble(), 0, 60_000));
        double total = latency.GetProperty("total").GetDouble();
        Assert.InRange(latency.EnumerateObject().Where(stage => stage.Name != "total").Sum(stage => stage.Value.GetDouble()), 0, total + 0.01);
    }

    private static void CheckActions(JsonElement chunk, float[] normalized, double gripper)
    {
        double[] expected = [.. normalized.Select((a, j) => (0.5f * (a + 1f) * (High[j] - Low[j] + 1e-8)) + Low[j]), gripper];
        var rows = chunk.GetProperty("actions").EnumerateArray().ToArray();
        Assert.Equal(8, rows.Length);
        Assert.All(rows, row => Assert.Equal(expected, row.EnumerateArray().Select(value => value.GetDouble())));
    }

    private static IEnumerable<string?> Texts(JsonElement json, string name) => json.GetProperty(name).EnumerateArray().Select(text => text.GetString());
}
