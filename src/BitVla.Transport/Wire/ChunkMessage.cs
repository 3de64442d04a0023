namespace BitVla.Transport.Wire;

/// <summary><c>action/chunk</c>: a short plan of motion that runs out by itself.</summary>
public sealed record ChunkMessage
{
    /// <summary>Version of this payload.</summary>
    public const int SchemaVersion = 1;

    /// <summary>Version found or written.</summary>
    public int Version { get; init; } = SchemaVersion;

    /// <summary>Daemon start counter; a receiver forgets its sequence when it changes.</summary>
    public required uint Session { get; init; }

    /// <summary>One more each chunk.</summary>
    public required uint Sequence { get; init; }

    /// <summary>ULID, see <see cref="Ulid"/>.</summary>
    public required string ChunkId { get; init; }

    /// <summary>Observation used.</summary>
    public required uint ObservationSequence { get; init; }

    /// <summary>When it was seen, Unix time, microseconds.</summary>
    public required long ObservedUs { get; init; }

    /// <summary>When this was published, Unix time, microseconds.</summary>
    public required long PublishedUs { get; init; }

    /// <summary>Monotonic age of the observation at publication, microseconds.</summary>
    public required uint AgeUs { get; init; }

    /// <summary>Milliseconds after the observation at which the chunk must no longer start.</summary>
    public required uint TtlMs { get; init; }

    /// <summary>Time between two steps, milliseconds.</summary>
    public required double StepMs { get; init; }

    /// <summary>First step not yet due.</summary>
    public required int Start { get; init; }

    /// <summary>Steps K.</summary>
    public required int ChunkLength { get; init; }

    /// <summary>Numbers A of a step.</summary>
    public required int ActionDim { get; init; }

    /// <summary>One of <see cref="WireWords.Spaces"/>.</summary>
    public required string Space { get; init; }

    /// <summary>Frame of the actions.</summary>
    public required string Frame { get; init; }

    /// <summary>Name of each number of a step.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Unit of each number of a step, or the single word <see cref="WireWords.PolicyUnits"/>.</summary>
    public required IReadOnlyList<string> Units { get; init; }

    /// <summary>One of <see cref="WireWords.Grips"/>.</summary>
    public required string Grip { get; init; }

    /// <summary>One of <see cref="WireWords.Modes"/>.</summary>
    public string Mode { get; init; } = WireWords.Replace;

    /// <summary>The instruction it obeys.</summary>
    public required uint Instruction { get; init; }

    /// <summary>Some of <see cref="WireWords.Flags"/>.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>First 16 hexadecimal digits of the model's SHA-256.</summary>
    public required string Model { get; init; }

    /// <summary>What the stages took.</summary>
    public required StageTimes Latency { get; init; }

    /// <summary>Values [K, A], row-major, in <see cref="Units"/>; finite.</summary>
    public required ReadOnlyMemory<double> Actions { get; init; }
}
