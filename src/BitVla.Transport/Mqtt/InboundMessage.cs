using BitVla.Transport.Wire;

namespace BitVla.Transport.Mqtt;

/// <summary>A message as it came in, copied out of the client's buffers.</summary>
public readonly record struct InboundMessage
{
    /// <summary>What its topic carries: <see cref="WireTopicKind.Proprio"/>, <see cref="WireTopicKind.Image"/>, <see cref="WireTopicKind.Command"/>.</summary>
    public required WireTopicKind Kind { get; init; }

    /// <summary>Camera or verb; empty for others.</summary>
    public required string Name { get; init; }

    /// <summary>Own copy of the payload; empty when <see cref="TooLarge"/>.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Bytes that came, when they were more than the topic takes; else 0. The payload was not copied.</summary>
    public long TooLarge { get; init; }

    /// <summary>Content type, when given.</summary>
    public string? ContentType { get; init; }

    /// <summary>It was kept by the broker, or was sent to be kept.</summary>
    public bool Retained { get; init; }

    /// <summary>Remaining expiry in seconds, when given.</summary>
    public uint? ExpirySeconds { get; init; }

    /// <summary>Where the sender wants its reply; null unless it is <c>rsp/&lt;client&gt;</c> of this robot.</summary>
    public string? ResponseTopic { get; init; }

    /// <summary>The sender's token for the reply.</summary>
    public ReadOnlyMemory<byte> CorrelationData { get; init; }

    /// <summary>User property <c>seq</c>, when it is one number.</summary>
    public uint? Sequence { get; init; }

    /// <summary>User property <c>t_us</c>, when it is one number.</summary>
    public long? TimeUs { get; init; }

    /// <summary>User property <c>age_us</c>, when it is one number.</summary>
    public uint? AgeUs { get; init; }

    /// <summary>Monotonic time of arrival, on <see cref="MqttLink.Elapsed"/>.</summary>
    public required TimeSpan ReceivedAt { get; init; }

    /// <summary>It may have waited while this process stood still; nothing says for how long. A command but estop must be refused.</summary>
    public bool QueuedAcrossGap { get; init; }
}
