using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace BitVla.EndToEnd.Tests.Mqtt;

/// <summary>A message as a client heard it.</summary>
internal sealed record Heard(string Topic, byte[] Payload, MqttApplicationMessage Message, long Timestamp, long UnixUs)
{
    private JsonElement? json;

    /// <summary>The payload as JSON, read by nothing of the daemon's own.</summary>
    public JsonElement Json => json ??= JsonDocument.Parse(Payload).RootElement.Clone();

    public string Text(string field) => Json.GetProperty(field).GetString()!;

    public long Number(string field) => Json.GetProperty(field).GetInt64();

    public override string ToString() => $"{Topic} {(Payload.Length < 400 ? Encoding.UTF8.GetString(Payload) : $"{Payload.Length} bytes")}";
}

/// <summary>A robot's program: any MQTT 5 client. It hears everything of its robot.</summary>
internal sealed class RobotClient : IAsyncDisposable
{
    public const string Robot = "bot";
    public const string Prefix = "bitvla/v1/" + Robot + "/";
    public const string Me = "tester";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly IMqttClient client = new MqttClientFactory().CreateMqttClient();
    private int tokens;

    private RobotClient() => client.ApplicationMessageReceivedAsync += args =>
    {
        var message = args.ApplicationMessage;
        string topic = message.Topic[Prefix.Length..];

        // The client takes its buffer back after the handler.
        byte[] payload = message.Payload.ToArray();
        Heard.Add(new Heard(topic, payload, message, Stopwatch.GetTimestamp(), UnixUs()));
        return Task.CompletedTask;
    };

    public Journal<Heard> Heard { get; } = new();

    public static long UnixUs() => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public static async Task<RobotClient> ConnectAsync(int port)
    {
        var made = new RobotClient();
        var options = new MqttClientOptionsBuilder().WithProtocolVersion(MqttProtocolVersion.V500).WithTcpServer("127.0.0.1", port)
            .WithClientId($"test-{Guid.NewGuid():n}"[..20]).WithKeepAlivePeriod(TimeSpan.FromMinutes(1)).Build();
        Assert.Equal(MqttClientConnectResultCode.Success, (await made.client.ConnectAsync(options).WaitAsync(Patience)).ResultCode);
        await made.client.SubscribeAsync(new MqttClientSubscribeOptions
        {
            TopicFilters = [new MqttTopicFilter { Topic = Prefix + "#", QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce, RetainAsPublished = true, NoLocal = true }],
        }).WaitAsync(Patience);
        return made;
    }

    public Task<Heard> NextAsync(string topic, int place = 0, Func<Heard, bool>? fits = null, TimeSpan? patience = null) =>
        NextWithPlaceAsync(topic, place, fits, patience).ContinueWith(t => t.GetAwaiter().GetResult().Entry, TaskScheduler.Default);

    /// <summary>The next on a topic; null when none comes in time.</summary>
    public async Task<Heard?> NextOrNothingAsync(string topic, int place, TimeSpan patience)
    {
        using var timer = new PeriodicTimer(patience / 50);
        for (int i = 0; i < 50; i++)
        {
            if (Heard.From(place).FirstOrDefault(h => h.Topic == topic && h.Payload.Length > 0) is { } heard)
            {
                return heard;
            }

            await timer.WaitForNextTickAsync();
        }

        return null;
    }

    public Task<(Heard Entry, int Next)> NextWithPlaceAsync(string topic, int place = 0, Func<Heard, bool>? fits = null, TimeSpan? patience = null) =>
        Heard.FirstAsync(h => h.Topic == topic && h.Payload.Length > 0 && (fits?.Invoke(h) ?? true), place, topic, patience);

    public Task<Heard> EventAsync(string code, int place) => NextAsync("event", place, h => h.Text("code") == code);

    public Task<Heard> StateAsync(string state, int place = 0) => NextAsync("state", place, h => h.Text("state") == state);

    public async Task PublishAsync(
        string topic,
        byte[] payload,
        int qos = 0,
        bool retain = false,
        uint expirySeconds = 0,
        string? responseTopic = null,
        byte[]? correlation = null,
        string? contentType = null,
        params (string Name, string Value)[] properties) => await client.PublishAsync(new MqttApplicationMessage
        {
            Topic = Prefix + topic,
            Payload = new(payload),
            QualityOfServiceLevel = qos == 0 ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce,
            Retain = retain,
            MessageExpiryInterval = expirySeconds,
            ResponseTopic = responseTopic,
            CorrelationData = correlation,
            ContentType = contentType,
            UserProperties = [.. properties.Select(p => new MqttUserProperty(p.Name, Encoding.UTF8.GetBytes(p.Value).AsMemory()))],
        }).WaitAsync(Patience);

    public Task ImageAsync(string camera, byte[] picture, uint sequence, uint? ageUs = 0) => PublishAsync(
        $"obs/image/{camera}", picture, expirySeconds: 1, contentType: "image/png",
        properties: ageUs is { } age ? [("seq", Text(sequence)), ("age_us", Text(age))] : [("seq", Text(sequence))]);

    public Task ProprioAsync(uint sequence, string values = DaemonModels.Pose, uint ageUs = 0) => PublishAsync(
        "obs/proprio", Encoding.UTF8.GetBytes($$"""{"seq":{{sequence}},"age_us":{{ageUs}},"values":[{{values}}]}"""), expirySeconds: 1, contentType: "application/json");

    /// <summary>A whole observation; the last image goes last.</summary>
    public async Task ObserveAsync(uint sequence)
    {
        await ProprioAsync(sequence);
        await ImageAsync(DaemonModels.Front, DaemonModels.FrontPicture, sequence);
        await ImageAsync(DaemonModels.Wrist, DaemonModels.WristPicture, sequence);
    }

    /// <summary>A whole observation and the chunk that answers it.</summary>
    public async Task<Heard> ChunkOfAsync(uint sequence)
    {
        int place = Heard.Count;
        await ObserveAsync(sequence);
        return await NextAsync("action/chunk", place, h => h.Number("obs_seq") == sequence);
    }

    /// <summary>Sends a command as the rules want it and gives its token.</summary>
    public async Task<byte[]> CommandAsync(string verb, string body, uint expirySeconds = 5, bool retain = false)
    {
        byte[] token = Encoding.ASCII.GetBytes(Text((uint)Interlocked.Increment(ref tokens)));
        await PublishAsync($"cmd/{verb}", Encoding.UTF8.GetBytes(body), 1, retain, expirySeconds, $"{Prefix}rsp/{Me}", token, "application/json");
        return token;
    }

    /// <summary>Sends a command and gives the reply that carries its token.</summary>
    public async Task<Heard> AskAsync(string verb, string body, uint expirySeconds = 5, bool retain = false)
    {
        int place = Heard.Count;
        byte[] token = await CommandAsync(verb, body, expirySeconds, retain);
        return await ReplyAsync(token, place);
    }

    public Task<Heard> ReplyAsync(byte[] token, int place) =>
        NextAsync($"rsp/{Me}", place, h => h.Message.CorrelationData.AsSpan().SequenceEqual(token));

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
