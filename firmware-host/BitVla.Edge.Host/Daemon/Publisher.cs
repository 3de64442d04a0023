using BitVla.Edge.Host.Configuration;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Gives each message its topic, quality, retention and expiry, as docs/wire.md lists them.</summary>
internal sealed class Publisher(DaemonSettings settings, WireTopics topics, Outbox outbox)
{
    private static readonly TimeSpan ReplyExpiry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TelemetryExpiry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EventExpiry = TimeSpan.FromHours(1);

    public WireTopics Topics => topics;

    public string Content => WireContent.Of(settings.Encoding);

    public OutboundMessage Birth(BirthMessage message) => Of(topics.Birth, WireTables.Birth, message) with { Qos = 1, Retain = true };

    public OutboundMessage State(StateMessage message) => Of(topics.State, WireTables.State, message) with { Qos = 1, Retain = true };

    public OutboundMessage Chunk(ChunkMessage message, TimeSpan remaining) => Of(topics.ActionChunk, WireTables.Chunk, message) with { Expiry = remaining };

    public void Post(OutboundMessage message) => outbox.Post(message);

    public void PostEvent(EventMessage message) => Post(Of(topics.Event, WireTables.Event, message) with { Qos = 1, Expiry = EventExpiry });

    public void PostTelemetry(InferTelemetry message) => Post(Of(topics.TelemetryInfer, WireTables.Infer, message) with { Expiry = TelemetryExpiry });

    public void PostReply(string topic, ReadOnlyMemory<byte> correlation, ReplyMessage message) =>
        Post(Of(topic, WireTables.Reply, message) with { Qos = 1, Expiry = ReplyExpiry, CorrelationData = correlation });

    private OutboundMessage Of<T>(string topic, WireTable<T> table, T message)
        where T : class => new(topic, table.Encode(message, settings.Encoding), Content);
}
