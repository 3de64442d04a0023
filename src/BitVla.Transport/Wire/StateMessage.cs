namespace BitVla.Transport.Wire;

/// <summary><c>state</c>, retained: where the state machine stands and why.</summary>
public sealed record StateMessage
{
    /// <summary>Daemon start counter.</summary>
    public required uint Session { get; init; }

    /// <summary>Name of the state, capitals.</summary>
    public required string State { get; init; }

    /// <summary>Unix time at which it was entered, microseconds.</summary>
    public required long SinceUs { get; init; }

    /// <summary>Why it is not more; empty when nothing is wrong.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>Who armed it; absent while disarmed.</summary>
    public string? ArmedBy { get; init; }

    /// <summary>The emergency stop; absent until there is one.</summary>
    public EmergencyStop? EmergencyStop { get; init; }

    /// <summary>Instruction in force, as <c>instr</c> of the chunks.</summary>
    public uint? Instruction { get; init; }
}
