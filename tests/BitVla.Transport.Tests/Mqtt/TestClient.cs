using System.Threading.Channels;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace BitVla.Transport.Tests.Mqtt;

/// <summary>A plain MQTT 5 client that keeps what it hears.</summary>
internal sealed class TestClient : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly IMqttClient client = new MqttClientFactory().CreateMqttClient();
    private readonly Channel<MqttApplicationMessage> heard = Channel.CreateUnbounded<MqttApplicationMessage>();

    private TestClient() => client.ApplicationMessageReceivedAsync += args =>
    {
        // The client takes its buffer back after the handler.
        args.ApplicationMessage.Payload = new(System.Buffers.BuffersExtensions.ToArray(args.ApplicationMessage.Payload));
        heard.Writer.TryWrite(args.ApplicationMessage);
        return Task.CompletedTask;
    };

    public static async Task<TestClient> ConnectAsync(int port, string? session = null)
    {
        var made = new TestClient();
        var options = new MqttClientOptionsBuilder().WithProtocolVersion(MqttProtocolVersion.V500).WithTcpServer("127.0.0.1", port)
            .WithClientId(session ?? $"test-{Guid.NewGuid():n}").WithCleanStart(session is null).WithSessionExpiryInterval(session is null ? 0 : 3600u).Build();
        // The default of 8 KiB makes large publishes wait for delayed acknowledgements.
        ((MqttClientTcpOptions)options.ChannelOptions).BufferSize = 256 * 1024;
        MqttClientConnectResult result = await made.client.ConnectAsync(options).WaitAsync(Patience);
        Assert.Equal(MqttClientConnectResultCode.Success, result.ResultCode);
        return made;
    }

    public Task SubscribeAsync(string topic, bool asPublished = false) => client.SubscribeAsync(new MqttClientSubscribeOptions
    {
        TopicFilters = [new MqttTopicFilter { Topic = topic, QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce, RetainAsPublished = asPublished }],
    }).WaitAsync(Patience);

    public async Task<MqttClientPublishResult> PublishAsync(
        string topic,
        byte[] payload,
        int qos = 1,
        bool retain = false,
        uint expirySeconds = 0,
        string? responseTopic = null,
        byte[]? correlation = null,
        string? contentType = null,
        params (string Name, string Value)[] properties) => await client.PublishAsync(new MqttApplicationMessage
        {
            Topic = topic,
            Payload = new(payload),
            QualityOfServiceLevel = qos == 0 ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce,
            Retain = retain,
            MessageExpiryInterval = expirySeconds,
            ResponseTopic = responseTopic,
            CorrelationData = correlation,
            ContentType = contentType,
            UserProperties = [.. properties.Select(p => new MqttUserProperty(p.Name, System.Text.Encoding.UTF8.GetBytes(p.Value).AsMemory()))],
        }).WaitAsync(Patience);

    /// <summary>The next message that fits; others before it are dropped.</summary>
    public async Task<MqttApplicationMessage> NextAsync(Func<MqttApplicationMessage, bool>? fits = null)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            MqttApplicationMessage message = await heard.Reader.ReadAsync(limit.Token);
            if (fits?.Invoke(message) ?? true)
            {
                return message;
            }
        }
    }

    public async Task DisconnectAsync() => await client.DisconnectAsync(new MqttClientDisconnectOptions()).WaitAsync(Patience);

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }
}
