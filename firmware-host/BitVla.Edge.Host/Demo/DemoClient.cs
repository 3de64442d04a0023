using System.Buffers;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using BitVla.Transport.Wire;
using MQTTnet;
using MQTTnet.Formatter;

namespace BitVla.Edge.Host.Demo;

/// <summary>A chunk as it came in.</summary>
internal sealed record ReceivedChunk(ChunkMessage Message, ReadOnlyMemory<byte> Payload);

/// <summary>The robot's side of the wire: sends observations, receives chunks. Any program could be this one.</summary>
internal sealed class DemoClient : IAsyncDisposable
{
    private const uint ObservationExpirySeconds = 1;
    private const int WaitingChunks = 16;

    private readonly IMqttClient client = new MqttClientFactory().CreateMqttClient();
    private readonly TaskCompletionSource<BirthMessage> birth = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<ReceivedChunk> chunks =
        Channel.CreateBounded<ReceivedChunk>(new BoundedChannelOptions(WaitingChunks) { FullMode = BoundedChannelFullMode.DropOldest });

    private readonly WireTopics topics;

    private DemoClient(WireTopics topics)
    {
        this.topics = topics;
        client.ApplicationMessageReceivedAsync += Receive;
    }

    /// <summary>The chunks that came.</summary>
    public ChannelReader<ReceivedChunk> Chunks => chunks.Reader;

    /// <summary>Connects and subscribes.</summary>
    public static async Task<DemoClient> ConnectAsync(string host, int port, WireTopics topics, CancellationToken stop)
    {
        var demo = new DemoClient(topics);
        try
        {
            var options = new MqttClientOptionsBuilder().WithTcpServer(host, port).WithProtocolVersion(MqttProtocolVersion.V500)
                .WithClientId($"demo-{Guid.NewGuid():N}"[..20]).WithCleanStart().Build();
            await demo.client.ConnectAsync(options, stop).ConfigureAwait(false);
            var subscriptions = new MqttClientSubscribeOptionsBuilder().WithTopicFilter(topics.Birth).WithTopicFilter(topics.ActionChunk).Build();
            await demo.client.SubscribeAsync(subscriptions, stop).ConfigureAwait(false);
            return demo;
        }
        catch
        {
            await demo.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits until the daemon says what it takes.</summary>
    public Task<BirthMessage> BirthAsync(CancellationToken stop) => birth.Task.WaitAsync(stop);

    /// <summary>Sends one observation: every camera's picture and the robot's state.</summary>
    public async Task SendAsync(BirthMessage robot, uint sequence, CancellationToken stop)
    {
        for (int camera = 0; camera < robot.Cameras.Count; camera++)
        {
            var picture = new MqttApplicationMessageBuilder().WithTopic(topics.ObsImage(robot.Cameras[camera])).WithPayload(DemoPictures.Render(camera, sequence))
                .WithContentType(WireContent.Png).WithMessageExpiryInterval(ObservationExpirySeconds)
                .WithUserProperty("seq", Text(sequence).AsMemory()).WithUserProperty("age_us", Text(0).AsMemory()).Build();
            await client.PublishAsync(picture, stop).ConfigureAwait(false);
        }

        if (robot.ProprioDim > 0)
        {
            var state = new ProprioMessage { Sequence = sequence, AgeUs = 0, Values = Pose(robot.ProprioDim, sequence) };
            var message = new MqttApplicationMessageBuilder().WithTopic(topics.ObsProprio).WithPayload(WireTables.Proprio.Encode(state, WireEncoding.Json))
                .WithContentType(WireContent.Json).WithMessageExpiryInterval(ObservationExpirySeconds).Build();
            await client.PublishAsync(message, stop).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (client.IsConnected)
        {
            await client.DisconnectAsync().ConfigureAwait(false);
        }

        client.Dispose();
    }

    // A pose that drifts slowly, within what a small arm can do.
    private static double[] Pose(int length, uint step) =>
        [.. Enumerable.Range(0, length).Select(i => Math.Round((0.05 * (i + 1)) + (0.002 * (step % 50)), 4))];

    private static byte[] Text(uint number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    private Task Receive(MqttApplicationMessageReceivedEventArgs received)
    {
        var message = received.ApplicationMessage;
        byte[] payload = message.Payload.ToArray();
        var encoding = WireContent.EncodingOf(message.ContentType);
        if (message.Topic == topics.Birth && payload.Length > 0)
        {
            birth.TrySetResult(WireTables.Birth.Decode(payload, encoding));
        }
        else if (message.Topic == topics.ActionChunk)
        {
            chunks.Writer.TryWrite(new ReceivedChunk(WireTables.Chunk.Decode(payload, encoding), payload));
        }

        return Task.CompletedTask;
    }
}
