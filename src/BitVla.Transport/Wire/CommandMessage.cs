namespace BitVla.Transport.Wire;

/// <summary>The body of <c>cmd/&lt;verb&gt;</c>; which fields matter depends on the verb.</summary>
public sealed record CommandMessage
{
    /// <summary>New instruction: its verb.</summary>
    public const string Instruct = "instruct";

    /// <summary>Stop starting passes: its verb.</summary>
    public const string Pause = "pause";

    /// <summary>Start passes again: its verb.</summary>
    public const string Resume = "resume";

    /// <summary>Say status, birth and state again: its verb.</summary>
    public const string Rebirth = "rebirth";

    /// <summary>Emergency stop: its verb; obeyed whatever the payload is.</summary>
    public const string Estop = "estop";

    /// <summary>The verb, from the topic.</summary>
    public string Verb { get; init; } = "";

    /// <summary>What to do, as a person says it; required by <see cref="Instruct"/>.</summary>
    public string? Instruction { get; init; }

    /// <summary>Proof that the sender may.</summary>
    public string? Token { get; init; }

    /// <summary>Why, for the log.</summary>
    public string? Reason { get; init; }

    /// <summary>When it was sent, Unix time, microseconds; for logs, never for expiry.</summary>
    public long? TimeUs { get; init; }

    /// <summary>How long the sender means it, milliseconds; the message's own expiry decides.</summary>
    public uint? TtlMs { get; init; }

    /// <summary>Reads a payload; one of no bytes is a body without fields.</summary>
    /// <exception cref="WireException">It is not one; no other exception leaves for any bytes.</exception>
    public static CommandMessage Parse(string verb, ReadOnlySpan<byte> payload, string? contentType)
    {
        CommandMessage body = payload.IsEmpty ? new() : WireTables.Command.Decode(payload, WireContent.EncodingOf(contentType));
        return verb == Instruct && string.IsNullOrWhiteSpace(body.Instruction)
            ? throw new WireException(body.Instruction is null ? WireCodes.Missing : WireCodes.Range, "instruction", "a sentence", body.Instruction is null ? "nothing" : "blanks")
            : body with { Verb = verb };
    }
}
