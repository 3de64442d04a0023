namespace BitVla.Transport.Mqtt;

/// <summary>A message to publish.</summary>
/// <param name="Topic">Topic.</param>
/// <param name="Payload">Payload; must not change until the publish returns.</param>
/// <param name="ContentType">Content type.</param>
public readonly record struct OutboundMessage(string Topic, ReadOnlyMemory<byte> Payload, string ContentType)
{
    /// <summary>0 or 1. 0 never waits: without a connection the message is dropped.</summary>
    public int Qos { get; init; }

    /// <summary>The broker keeps it for those who come later.</summary>
    public bool Retain { get; init; }

    /// <summary>Time it has left; published as whole seconds, rounded up, at least one.</summary>
    public TimeSpan? Expiry { get; init; }

    /// <summary>Token of the command that this replies to.</summary>
    public ReadOnlyMemory<byte> CorrelationData { get; init; }
}
