namespace BitVla.Transport.Wire;

/// <summary><c>obs/proprio</c>: the robot's own state at one moment.</summary>
public sealed record ProprioMessage
{
    /// <summary>One more each message of this sender.</summary>
    public required uint Sequence { get; init; }

    /// <summary>When it was measured, Unix time, microseconds; for logs.</summary>
    public long? TimeUs { get; init; }

    /// <summary>Sender-side age of the measurement when it was sent, microseconds.</summary>
    public uint? AgeUs { get; init; }

    /// <summary>Values [Dp], finite, in the layout of the checkpoint.</summary>
    public required ReadOnlyMemory<double> Values { get; init; }

    /// <summary>Name of each value.</summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>Unit of each value.</summary>
    public IReadOnlyList<string>? Units { get; init; }

    /// <summary>Reads a payload.</summary>
    /// <exception cref="WireException">It is not one; no other exception leaves for any bytes.</exception>
    public static ProprioMessage Parse(ReadOnlySpan<byte> payload, string? contentType) =>
        WireTables.Proprio.Decode(payload, WireContent.EncodingOf(contentType));
}
