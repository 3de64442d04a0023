using System.Text;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests.Mqtt;

// Goal: whatever bytes arrive, the daemon names what is wrong with them, changes nothing and grows little. Method: seeded malformed payloads,
// one after the other; the next goes out when the event about the one before came in.
[Collection(DaemonModels.Name)]
public sealed class HostileMessageTests(DaemonModels models, ITestOutputHelper output)
{
    private const int Count = 1000;
    private const long Growth = 64L << 20;

    // Every event is wanted, and no reason may come from mere silence.
    private static readonly string[] Patient = ["log.repeat_ms=0", "observation.patience_ms=60000", "log.level=error"];

    [Theory]
    [InlineData("obs/proprio")]
    [InlineData("cmd/instruct")]
    [InlineData("cmd/pause")]
    [InlineData("cmd/resume")]
    [InlineData("cmd/rebirth")]
    [InlineData("cmd/dance")]
    [InlineData("obs/image/full")]
    [InlineData("obs/image/wrist")]
    public async Task Daemon_ThousandMalformedPayloads_ReportsEachAndChangesNothing(string topic)
    {
        await using var daemon = RunningDaemon.Start(models.Open, null, Patient);
        await using var robot = await ConnectAsync(daemon);
        await robot.ChunkOfAsync(1);
        await robot.StateAsync("RUNNING_SHADOW");
        var random = new Random(topic.Length * 7919);
        int begun = robot.Heard.Count;
        long before = 0;
        var codes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < Count; i++)
        {
            int place = robot.Heard.Count;
            if (topic.StartsWith("obs/image/", StringComparison.Ordinal))
            {
                // A picture is looked at when a pass takes it: it needs the rest of its observation.
                uint sequence = (uint)i + 100;
                await robot.ProprioAsync(sequence);
                foreach (string camera in (string[])[DaemonModels.Front, DaemonModels.Wrist])
                {
                    bool meant = topic.EndsWith(camera, StringComparison.Ordinal);
                    await robot.ImageAsync(camera, meant ? MalformedPayloads.Picture(random, i) : DaemonModels.WristPicture, sequence);
                }
            }
            else
            {
                var (body, type) = MalformedPayloads.Body(random, i);
                await robot.PublishAsync(topic, body, expirySeconds: 5, responseTopic: RobotClient.Prefix + "rsp/" + RobotClient.Me, contentType: type);
            }

            Heard answer = (await robot.Heard.FirstAsync(heard => heard.Topic is "event" or "action/chunk", place, "an event")).Entry;
            Assert.True(answer.Topic == "event", $"payload {i} gave a chunk: {answer}");
            string code = answer.Text("code");
            codes[code] = codes.GetValueOrDefault(code) + 1;
            if (i == Count / 10)
            {
                // By now the heap has met every kind of payload.
                before = daemon.Resident();
            }
        }

        long after = daemon.Resident();
        output.WriteLine($"{topic}: {string.Join(", ", codes.Select(pair => $"{pair.Key} {pair.Value}"))}; resident {before >> 10} -> {after >> 10} KiB");
        Assert.All(codes.Keys, code => Assert.Matches("^(WIRE|CMD|OBS)\\.[A-Z_]+$", code));
        Assert.InRange(after - before, long.MinValue, Growth);
        var since = robot.Heard.From(begun);
        Assert.DoesNotContain(since, heard => heard.Topic is "state" or "birth" or "status" or "action/chunk");
        Assert.DoesNotContain(since, heard => heard.Topic.StartsWith("rsp/", StringComparison.Ordinal) && heard.Json.GetProperty("ok").GetBoolean());
        Assert.Equal(2, (await robot.ChunkOfAsync(2)).Number("seq"));
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("1e999")]
    public async Task Proprio_NotFinite_GivesAnEventAndNoChunk(string value)
    {
        await using var daemon = RunningDaemon.Start(models.Open, null, Patient);
        await using var robot = await ConnectAsync(daemon);

        // The good state before it is not used in its place.
        await robot.ProprioAsync(1);
        await robot.ProprioAsync(2, $"0.1,0,{value},0,0,0,0.04,-0.04");
        await robot.EventAsync("OBS.NOT_FINITE", 0);
        await robot.ImageAsync(DaemonModels.Front, DaemonModels.FrontPicture, 2);
        await robot.ImageAsync(DaemonModels.Wrist, DaemonModels.WristPicture, 2);
        Heard chunk = await ChunkAsync(robot);
        Assert.Equal((1, 3), (chunk.Number("seq"), chunk.Number("obs_seq")));
    }

    [Theory]
    [InlineData("1,2,3", "OBS.WRONG_LENGTH")]
    [InlineData("0.1,0,0.2,0,0,0,0.04,-0.04,0", "OBS.WRONG_LENGTH")]
    [InlineData("0.1,0,\"0.2\",0,0,0,0.04,-0.04", "WIRE.TYPE")]
    [InlineData("0.1,0,null,0,0,0,0.04,-0.04", "WIRE.TYPE")]
    public async Task Proprio_ThatDoesNotFit_GivesAnEventAndNoChunk(string values, string code)
    {
        await using var daemon = RunningDaemon.Start(models.Open, null, Patient);
        await using var robot = await ConnectAsync(daemon);
        await robot.ProprioAsync(2, values);
        await robot.EventAsync(code, 0);
        await robot.ImageAsync(DaemonModels.Front, DaemonModels.FrontPicture, 2);
        await robot.ImageAsync(DaemonModels.Wrist, DaemonModels.WristPicture, 2);
        Assert.Equal(1, (await ChunkAsync(robot)).Number("seq"));
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("noise")]
    [InlineData("cut PNG")]
    [InlineData("one bit of a PNG")]
    [InlineData("cut JPEG")]
    [InlineData("20000 x 20000")]
    public async Task Image_CorruptOrOfAWrongSize_GivesAnEventAndNoChunk(string kind)
    {
        byte[] jpeg = await File.ReadAllBytesAsync(Repository.Golden("units", "jpeg", "baseline.jpg"), TestContext.Current.CancellationToken);
        byte[] picture = kind switch
        {
            "empty" => [],
            "noise" => [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * i))],
            "cut PNG" => DaemonModels.FrontPicture[..(DaemonModels.FrontPicture.Length / 2)],
            "one bit of a PNG" => MalformedPayloads.OneBit(DaemonModels.FrontPicture, DaemonModels.FrontPicture.Length / 2),
            "cut JPEG" => jpeg[..(jpeg.Length / 3)],
            _ => MalformedPayloads.Claims(DaemonModels.FrontPicture, 20_000, 20_000),
        };
        await using var daemon = RunningDaemon.Start(models.Open, null, Patient);
        await using var robot = await ConnectAsync(daemon);
        await robot.ProprioAsync(2);
        await robot.ImageAsync(DaemonModels.Wrist, DaemonModels.WristPicture, 2);
        await robot.ImageAsync(DaemonModels.Front, picture, 2);
        Heard first = await robot.NextAsync("event", fits: heard => heard.Text("code").StartsWith("OBS.", StringComparison.Ordinal));
        output.WriteLine($"{kind}: {first}");
        Assert.Contains(first.Text("code"), (string[])["OBS.IMAGE_REFUSED", "OBS.REFUSED"]);
        Assert.Equal((1, 3), ((await ChunkAsync(robot)) is var chunk ? chunk.Number("seq") : 0, chunk.Number("obs_seq")));
    }

    [Fact]
    public async Task Message_BeyondItsTopicsBytes_IsRefusedUnread()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var daemon = RunningDaemon.Start(models.Open, broker.Port, Patient);
        await using var robot = await ConnectAsync(daemon);
        foreach (var (topic, bytes) in ((string, int)[])[("obs/proprio", (16 << 10) + 1), ("cmd/instruct", (16 << 10) + 1), ($"obs/image/{DaemonModels.Front}", (4 << 20) + 1)])
        {
            int place = robot.Heard.Count;
            await robot.PublishAsync(topic, Encoding.ASCII.GetBytes(new string(' ', bytes)), 1, expirySeconds: 5);
            await robot.EventAsync("WIRE.TOO_LARGE", place);
        }

        Assert.Equal(1, (await ChunkAsync(robot)).Number("seq"));
    }

    private static async Task<RobotClient> ConnectAsync(RunningDaemon daemon)
    {
        while (true)
        {
            Assert.False(daemon.HasExited);
            try
            {
                var robot = await RobotClient.ConnectAsync(daemon.Port);
                await robot.NextAsync("birth");
                return robot;
            }
            catch (MQTTnet.Exceptions.MqttCommunicationException)
            {
                // Its broker does not listen yet.
            }
        }
    }

    private static Task<Heard> ChunkAsync(RobotClient robot) => robot.ChunkOfAsync(3);
}
