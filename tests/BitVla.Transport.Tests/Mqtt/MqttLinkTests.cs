using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using BitVla.TestKit;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Tests.Wire;
using BitVla.Transport.Wire;
using MQTTnet;

namespace BitVla.Transport.Tests.Mqtt;

public sealed class MqttLinkTests(ITestOutputHelper output)
{
    private const int RoundTrips = 300;

    private readonly WireTopics topics = new("arm-1");

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Command_WithEverything_ArrivesWithEverything(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        await client.SubscribeAsync(topics.Response("me"));
        await client.PublishAsync(
            topics.Cmd("pause"), "{}"u8.ToArray(), expirySeconds: 3, responseTopic: topics.Response("me"), correlation: [9, 8], contentType: WireContent.Json,
            properties: [("seq", "5"), ("t_us", "1795384837120000"), ("age_us", "12"), ("age_us", "13")]);
        InboundMessage got = await rig.NextAsync();
        Assert.Equal((WireTopicKind.Command, "pause", "{}", WireContent.Json), (got.Kind, got.Name, Encoding.UTF8.GetString(got.Payload.Span), got.ContentType));
        Assert.Equal((3u, topics.Response("me"), false, false), (got.ExpirySeconds, got.ResponseTopic, got.Retained, got.QueuedAcrossGap));
        Assert.Equal((5u, 1795384837120000L, null), (got.Sequence, got.TimeUs, got.AgeUs));
        Assert.InRange(got.ReceivedAt, TimeSpan.FromTicks(1), rig.Link.Elapsed);

        Assert.True(await rig.Link.PublishAsync(
            new(got.ResponseTopic!, WireTables.Reply.Encode(new(true, "OK", [], "PAUSED"), WireEncoding.Cbor), WireContent.Cbor)
            {
                Qos = 1,
                Expiry = TimeSpan.FromSeconds(9.2),
                CorrelationData = got.CorrelationData,
            },
            TestContext.Current.CancellationToken));
        MqttApplicationMessage reply = await client.NextAsync();
        Assert.Equal([9, 8], reply.CorrelationData);
        Assert.Equal((10u, WireContent.Cbor, false), (reply.MessageExpiryInterval, reply.ContentType, reply.Retain));
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Retained_CommandIsSeenAsSuch_ObservationIsNotSeen(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        await client.PublishAsync(topics.ObsProprio, "{}"u8.ToArray(), retain: true);
        await client.PublishAsync(topics.Cmd("arm"), "{}"u8.ToArray(), retain: true);
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        InboundMessage first = await rig.NextAsync();
        Assert.Equal((WireTopicKind.Command, "arm", true), (first.Kind, first.Name, first.Retained));
        await client.PublishAsync(topics.Cmd("reset"), "{}"u8.ToArray(), retain: true);
        InboundMessage second = await rig.NextAsync();
        Assert.Equal(("reset", true), (second.Name, second.Retained));
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Broker_KilledAndBack_LinkReturnsAndAnnouncesAgain(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using LinkRig rig = new(broker.Port);
        int announced = 0;
        rig.Link.Connected = async cancellation =>
        {
            announced++;
            await rig.Link.PublishAsync(new(rig.Link.Topics.Birth, new[] { (byte)announced }, WireContent.Json) { Qos = 1, Retain = true }, cancellation);
        };
        rig.Link.Start();
        await rig.UntilAsync(MqttLinkState.Connected);
        for (int i = 2; i <= 4; i++)
        {
            await broker.KillAsync();
            await rig.UntilAsync(MqttLinkState.Connecting);
            Assert.False(await rig.Link.PublishAsync(new(topics.ActionChunk, "x"u8.ToArray(), WireContent.Json), TestContext.Current.CancellationToken));
            await broker.StartAgainAsync();
            long since = Stopwatch.GetTimestamp();
            await rig.UntilAsync(MqttLinkState.Connected);
            output.WriteLine($"{kind}: back {Stopwatch.GetElapsedTime(since).TotalMilliseconds:f0} ms after the broker");
            await using TestClient client = await TestClient.ConnectAsync(broker.Port);
            await client.SubscribeAsync(topics.AllFilter);
            MqttApplicationMessage birth = await client.NextAsync(message => message.Topic == topics.Birth);
            Assert.Equal(i, birth.Payload.First.Span[0]);
        }

        Assert.Equal((4L, true), (rig.Link.Counters.Connects, rig.Link.Counters.Dropped >= 3));
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Line_Cut_OthersReadTheWill(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using var line = new CuttableProxy(broker.Port);
        await using LinkRig rig = await LinkRig.ConnectedAsync(line.Port);
        await using TestClient watcher = await TestClient.ConnectAsync(broker.Port);
        await watcher.SubscribeAsync(topics.Status);
        StatusMessage online = Read(await watcher.NextAsync());
        Assert.Equal((StatusMessage.Online, 7u, rig.Link.Instance), (online.State, online.Session, online.Instance));
        line.Closed = true;
        line.Cut();
        StatusMessage will = Read(await watcher.NextAsync());
        Assert.Equal((StatusMessage.Offline, 7u, rig.Link.Instance), (will.State, will.Session, will.Instance));
        line.Closed = false;
        Assert.Equal(StatusMessage.Online, Read(await watcher.NextAsync()).State);
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Link_Stopped_SaysSoAndLeavesNoWill(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        await using TestClient watcher = await TestClient.ConnectAsync(broker.Port);
        await watcher.SubscribeAsync(topics.Status, asPublished: true);
        await watcher.NextAsync();
        await rig.Link.StopAsync(TestContext.Current.CancellationToken);
        MqttApplicationMessage stopped = await watcher.NextAsync();
        Assert.Equal((StatusMessage.Stopped, true), (Read(stopped).State, stopped.Retain));
        // What the broker would say after it comes before this.
        await watcher.PublishAsync(topics.Status, "last"u8.ToArray());
        Assert.Equal("last", Encoding.UTF8.GetString((await watcher.NextAsync()).Payload));
        Assert.Equal(MqttLinkState.Stopped, rig.Link.State);
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task SecondDaemon_OfOneRobot_IsRefusedUntilTheFirstEnds(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using LinkRig first = new(broker.Port);
        var contended = new TaskCompletionSource<string>();
        first.Link.NameContended = instance => contended.TrySetResult(instance);
        first.Link.Start();
        await first.UntilAsync(MqttLinkState.Connected);
        await using TestClient watcher = await TestClient.ConnectAsync(broker.Port);
        await watcher.SubscribeAsync(topics.Status);
        await watcher.NextAsync();

        await using LinkRig second = new(broker.Port);
        second.Link.Start();
        Assert.Contains(first.Link.Instance, await second.UntilAsync(MqttLinkState.NameTaken), StringComparison.Ordinal);
        Assert.Equal(second.Link.Instance, await contended.Task.WaitAsync(TestClient.Patience, TestContext.Current.CancellationToken));
        Assert.Equal((MqttLinkState.Connected, 1L), (first.Link.State, first.Link.Counters.Connects));

        await first.Link.StopAsync(TestContext.Current.CancellationToken);
        await second.UntilAsync(MqttLinkState.Connected);
        Assert.Equal((StatusMessage.Stopped, first.Link.Instance), Word(Read(await watcher.NextAsync())));
        Assert.Equal((StatusMessage.Online, second.Link.Instance), Word(Read(await watcher.NextAsync())));

        static (string, string) Word(StatusMessage status) => (status.State, status.Instance);
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Status_OverwrittenByAStranger_IsSaidAgain(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        await client.SubscribeAsync(topics.Status);
        await client.NextAsync();
        await client.PublishAsync(topics.Status, WireTables.Status.Encode(new(StatusMessage.Offline, 1, "0", 0), WireEncoding.Json), retain: true);
        MqttApplicationMessage healed = await client.NextAsync(message => Read(message).State == StatusMessage.Online);
        Assert.Equal(rig.Link.Instance, Read(healed).Instance);
    }

    // Goal: commands that waited while the process stood still are marked, later ones are not. Method: while the loop handles one
    // command a second one reaches the broker, then the clock jumps; so the second one has waited across the gap.
    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Loop_StoodStill_CommandsThatWaitedAreMarked(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        var clock = new JumpingClock();
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port, clock);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        using var handling = new SemaphoreSlim(0);
        using var mayEnd = new SemaphoreSlim(0);
        rig.OnReceived = message =>
        {
            if (message.Name == "first")
            {
                handling.Release();
                mayEnd.Wait(TestClient.Patience);
                clock.Jump(TimeSpan.FromSeconds(5));
            }
        };
        var gap = new TaskCompletionSource<TimeSpan>();
        rig.Link.GapFound = silence => gap.TrySetResult(silence);
        await client.PublishAsync(topics.Cmd("first"), []);
        Assert.True(await handling.WaitAsync(TestClient.Patience, TestContext.Current.CancellationToken));
        await client.PublishAsync(topics.Cmd("second"), []);
        mayEnd.Release();
        Assert.Equal(("first", false), Mark(await rig.NextAsync()));
        Assert.Equal(("second", true), Mark(await rig.NextAsync()));
        Assert.InRange(await gap.Task.WaitAsync(TestClient.Patience, TestContext.Current.CancellationToken), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15));
        long since = Stopwatch.GetTimestamp();
        bool waited = true;
        while (waited && Stopwatch.GetElapsedTime(since) < TestClient.Patience)
        {
            await client.PublishAsync(topics.Cmd("later"), []);
            waited = (await rig.NextAsync()).QueuedAcrossGap;
        }

        Assert.False(waited);

        static (string, bool) Mark(InboundMessage message) => (message.Name, message.QueuedAcrossGap);
    }

    [Fact]
    public async Task Payload_TooLarge_ArrivesAsItsSizeOnly()
    {
        await using TestBroker broker = await TestBroker.StartAsync("embedded");
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        await client.PublishAsync(topics.ObsProprio, new byte[WireLimits.ProprioBytes + 1]);
        InboundMessage got = await rig.NextAsync();
        Assert.Equal((WireTopicKind.Proprio, WireLimits.ProprioBytes + 1L, true), (got.Kind, got.TooLarge, got.Payload.IsEmpty));
        await client.PublishAsync(topics.ObsImage("front"), new byte[WireLimits.ImageBytes], 0, contentType: WireContent.Jpeg, responseTopic: topics.ActionChunk);
        got = await rig.NextAsync();
        Assert.Equal((WireTopicKind.Image, "front", WireLimits.ImageBytes, null), (got.Kind, got.Name, got.Payload.Length, got.ResponseTopic));
    }

    [Fact]
    public async Task Noise_OnClaimAndStatus_IsIgnored()
    {
        await using TestBroker broker = await TestBroker.StartAsync("embedded");
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        var chance = new Random(20260103);
        for (int i = 0; i < 500; i++)
        {
            byte[] noise = new byte[chance.Next(200)];
            chance.NextBytes(noise);
            await client.PublishAsync(i % 2 == 0 ? topics.Claim : topics.Status, noise);
        }

        await client.PublishAsync(topics.Cmd("pause"), []);
        Assert.Equal("pause", (await rig.NextAsync()).Name);
        Assert.Equal(MqttLinkState.Connected, rig.Link.State);
    }

    [Fact]
    public async Task MuteBroker_IsGivenUpAndTriedAgain()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        await using LinkRig rig = new(
            ((IPEndPoint)mute.LocalEndpoint).Port, with: options => options with { AnswerWithin = TimeSpan.FromMilliseconds(200) });
        rig.Link.Start();
        for (int i = 0; i < 3; i++)
        {
            using Socket _ = await mute.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TestClient.Patience, TestContext.Current.CancellationToken);
        }

        Assert.Equal((0L, true), (rig.Link.Counters.Connects, rig.Link.Counters.Failures >= 2));
        Assert.False(await rig.Link.PublishAsync(new("a", default, WireContent.Json), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Broker_FrozenWhileConnected_IsNoticedAndLeft()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync();
        await using LinkRig rig = await LinkRig.ConnectedAsync(
            broker.Port, with: options => options with { KeepAliveSeconds = 1, AnswerWithin = TimeSpan.FromMilliseconds(500) });
        broker.Freeze();
        long since = Stopwatch.GetTimestamp();
        await rig.UntilAsync(MqttLinkState.Connecting);
        output.WriteLine($"noticed after {Stopwatch.GetElapsedTime(since).TotalSeconds:f1} s");
        Assert.False(await rig.Link.PublishAsync(new(topics.ActionChunk, "x"u8.ToArray(), WireContent.Json), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Broker_ThatWantsAPassword_IsAStateWithItsReason()
    {
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync("allow_anonymous false");
        await using LinkRig rig = new(broker.Port);
        rig.Link.Start();
        Assert.Contains("NotAuthorized", await rig.UntilAsync(MqttLinkState.Refused), StringComparison.Ordinal);
        await rig.UntilAsync(MqttLinkState.Refused);
    }

    [Theory]
    [MemberData(nameof(TestBroker.Kinds), MemberType = typeof(TestBroker))]
    public async Task Chunk_PublishedAndHeard_TakesLittleTime(string kind)
    {
        await using TestBroker broker = await TestBroker.StartAsync(kind);
        await using LinkRig rig = await LinkRig.ConnectedAsync(broker.Port);
        await using TestClient client = await TestClient.ConnectAsync(broker.Port);
        await client.SubscribeAsync(topics.ActionChunk);
        double[] milliseconds = new double[RoundTrips];
        for (int i = 0; i < RoundTrips; i++)
        {
            long since = Stopwatch.GetTimestamp();
            byte[] payload = WireTables.Chunk.Encode(WireSamples.Chunk with { Sequence = (uint)i }, WireEncoding.Json);
            Assert.True(await rig.Link.PublishAsync(
                new(topics.ActionChunk, payload, WireContent.Json) { Expiry = TimeSpan.FromSeconds(3.2) }, TestContext.Current.CancellationToken));
            MqttApplicationMessage got = await client.NextAsync();
            milliseconds[i] = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
            Assert.Equal((4u, false), (got.MessageExpiryInterval, got.Retain));
        }

        Array.Sort(milliseconds);
        string line = $"measured: chunk encoded, through {kind}, heard: p50 {milliseconds[RoundTrips / 2]:f2} ms, p99 {milliseconds[RoundTrips * 99 / 100]:f2} ms";
        Console.WriteLine(line);
        output.WriteLine(line);
    }

    private static StatusMessage Read(MqttApplicationMessage message) =>
        WireTables.Status.Decode(System.Buffers.BuffersExtensions.ToArray(message.Payload), WireEncoding.Json);

    private sealed class JumpingClock : TimeProvider
    {
        private long offset;

        public void Jump(TimeSpan by) => Interlocked.Add(ref offset, (long)(by.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref offset);
    }
}
