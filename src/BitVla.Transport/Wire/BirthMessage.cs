namespace BitVla.Transport.Wire;

/// <summary><c>birth</c>, retained: what this robot's daemon is and takes.</summary>
public sealed record BirthMessage
{
    /// <summary>Daemon start counter, the same as in <c>status</c>.</summary>
    public required uint Session { get; init; }

    /// <summary>Random name of this run, the same as in <c>status</c>.</summary>
    public required string Instance { get; init; }

    /// <summary>Unix time, microseconds.</summary>
    public required long TimeUs { get; init; }

    /// <summary>Version of the daemon.</summary>
    public required string Version { get; init; }

    /// <summary>First 16 hexadecimal digits of the model's SHA-256.</summary>
    public required string Model { get; init; }

    /// <summary>The model's own name.</summary>
    public string? ModelName { get; init; }

    /// <summary>The statistics that give actions their units.</summary>
    public required string Unnorm { get; init; }

    /// <summary>Kernel in use.</summary>
    public required string Kernel { get; init; }

    /// <summary>Threads in use.</summary>
    public required int Threads { get; init; }

    /// <summary>Steps K of a chunk.</summary>
    public required int ChunkLength { get; init; }

    /// <summary>Numbers A of a step.</summary>
    public required int ActionDim { get; init; }

    /// <summary>Time between two steps, milliseconds.</summary>
    public required double StepMs { get; init; }

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

    /// <summary>Bounds of an action; absent while nothing bounds it.</summary>
    public ActionLimits? Limits { get; init; }

    /// <summary>Cameras in the model's order.</summary>
    public required IReadOnlyList<string> Cameras { get; init; }

    /// <summary>Length of the robot state; 0 when the model takes none.</summary>
    public required int ProprioDim { get; init; }

    /// <summary>Instruction in force, as <c>instr</c> of the chunks.</summary>
    public required uint Instruction { get; init; }

    /// <summary>Its text.</summary>
    public required string InstructionText { get; init; }

    /// <summary>Content type of what this daemon publishes.</summary>
    public required string Content { get; init; }

    /// <summary>Topics this daemon publishes and takes.</summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>Fingerprint of all schemas, <see cref="WireTables.SchemaHash"/>.</summary>
    public required string Schema { get; init; }
}
