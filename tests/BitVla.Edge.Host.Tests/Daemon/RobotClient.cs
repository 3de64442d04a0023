using System.Buffers;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using BitVla.Edge.Host.Demo;
using BitVla.Transport.Wire;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace BitVla.Edge.Host.Tests.Daemon;

/// <summary>A message as a robot's program receives it.</summary>
internal sealed record Received(string Topic, byte[] Payload, bool Retain, uint Expiry, string ContentType, int Qos, byte[] Correlation)
{
    public T As<T>(WireTable<T> table)
        where T : class => table.Decode(Payload, WireContent.EncodingOf(ContentType));
}

/// <summary>What a robot's program does: sends and receives, and waits for what it expects.</summary>
internal sealed class RobotClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly IMqttClient client = new MqttClientFactory().CreateMqttClient();
    private readonly Channel<Received> received = Channel.CreateUnbounded<Received>();

    private RobotClient(WireTopics topics) => Topics = topics;

    public WireTopics Topics { get; }

    /// <summary>Everything that came and was waited past, in order.</summary>
    public List<Received> Seen { get; } = [];

    public static async Task<RobotClient> ConnectAsync(int port, WireTopics topics)
    {
        var robot = new RobotClient(topics);
        robot.client.ApplicationMessageReceivedAsync += args =>
        {
            var m = args.ApplicationMessage;
            robot.received.Writer.TryWrite(new Received(
                m.Topic, m.Payload.ToArray(), m.Retain, m.MessageExpiryInterval, m.ContentType ?? "", (int)m.QualityOfServiceLevel, m.CorrelationData ?? []));
            return Task.CompletedTask;
        };
        await robot.client.ConnectAsync(
            new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", port).WithProtocolVersion(MqttProtocolVersion.V500).WithCleanStart().Build(),
            TestContext.Current.CancellationToken);
        await robot.client.SubscribeAsync(
            new MqttClientSubscribeOptionsBuilder().WithTopicFilter(
                new MqttTopicFilterBuilder().WithTopic(topics.AllFilter).WithAtLeastOnceQoS().WithNoLocal().WithRetainAsPublished()).Build(),
            TestContext.Current.CancellationToken);
        return robot;
    }

    /// <summary>Waits for a message on a topic that satisfies a condition.</summary>
    public async Task<Received> NextAsync(string topic, Func<Received, bool>? condition = null)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            while (true)
            {
                var message = await received.Reader.ReadAsync(patience.Token);
                Seen.Add(message);
                if (message.Topic == topic && condition?.Invoke(message) != false)
                {
                    return message;
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{topic}: nothing of what was expected came; there were:\n{string.Join('\n', Seen.Select(s => $"{s.Topic} {Encoding.UTF8.GetString(s.Payload)}"))}");
        }
    }

    public Task<Received> StateAsync(string state) => NextAsync(Topics.State, m => m.As(WireTables.State).State == state);

    public async Task<EventMessage> EventAsync(string code) => (await NextAsync(Topics.Event, m => m.As(WireTables.Event).Code == code)).As(WireTables.Event);

    public async Task<ChunkMessage> ChunkAsync() => (await NextAsync(Topics.ActionChunk)).As(WireTables.Chunk);

    /// <summary>Sends one whole observation.</summary>
    public async Task ObserveAsync(uint sequence, double first = 0.5, bool withAge = true)
    {
        foreach (string camera in ScriptedPolicy.Cameras)
        {
            await ImageAsync(camera, DemoPictures.Render(0, sequence), sequence, withAge);
        }

        await ProprioAsync(sequence, first);
    }

    public Task ImageAsync(string camera, byte[] file, uint sequence, bool withAge = true)
    {
        var message = new MqttApplicationMessageBuilder().WithTopic(Topics.ObsImage(camera)).WithPayload(file).WithContentType(WireContent.Png).WithMessageExpiryInterval(1)
            .WithUserProperty("seq", Number(sequence).AsMemory());
        return SendAsync(withAge ? message.WithUserProperty("age_us", Number(2000).AsMemory()) : message);
    }

    public Task ProprioAsync(uint sequence, double first) => SendAsync(new MqttApplicationMessageBuilder().WithTopic(Topics.ObsProprio)
        .WithPayload(WireTables.Proprio.Encode(new ProprioMessage { Sequence = sequence, AgeUs = 1000, Values = new[] { first, 0.25 } }, WireEncoding.Json))
        .WithContentType(WireContent.Json));

    public Task SendAsync(string topic, byte[] payload, string contentType = WireContent.Json) =>
        SendAsync(new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload).WithContentType(contentType));

    public Task SendAsync(MqttApplicationMessageBuilder message) => client.PublishAsync(message.Build(), TestContext.Current.CancellationToken);

    /// <summary>Sends a command and gives the reply.</summary>
    public async Task<ReplyMessage> CommandAsync(string verb, string body = "{}", uint? expiry = 5, bool retained = false)
    {
        byte[] token = Guid.NewGuid().ToByteArray();
        var message = Command(verb, body).WithResponseTopic(Topics.Response("test")).WithCorrelationData(token).WithRetainFlag(retained);
        await SendAsync(expiry is { } seconds ? message.WithMessageExpiryInterval(seconds) : message);
        var reply = await NextAsync(Topics.Response("test"), m => m.Correlation.AsSpan().SequenceEqual(token));
        Assert.Equal((1, false, 10u), (reply.Qos, reply.Retain, reply.Expiry));
        return reply.As(WireTables.Reply);
    }

    public MqttApplicationMessageBuilder Command(string verb, string body) =>
        new MqttApplicationMessageBuilder().WithTopic(Topics.Cmd(verb)).WithPayload(body).WithContentType(WireContent.Json).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce);

    public async ValueTask DisposeAsync()
    {
        if (client.IsConnected)
        {
            await client.DisconnectAsync();
        }

        client.Dispose();
    }

    private static byte[] Number(uint number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}
