namespace BitVla.Transport.Wire;

/// <summary>The tables of all messages.</summary>
public static class WireTables
{
    /// <summary><c>status</c>.</summary>
    public static WireTable<StatusMessage> Status { get; } = new("status", "status", "");

    /// <summary><c>birth</c>.</summary>
    public static WireTable<BirthMessage> Birth { get; } = new("birth", "birth", "");

    /// <summary><c>state</c>.</summary>
    public static WireTable<StateMessage> State { get; } = new("state", "state", "");

    /// <summary><c>action/chunk</c>.</summary>
    public static WireTable<ChunkMessage> Chunk { get; } = new("chunk", "action/chunk", "");

    /// <summary><c>telemetry/infer</c>.</summary>
    public static WireTable<InferTelemetry> Infer { get; } = new("infer", "telemetry/infer", "");

    /// <summary><c>event</c>.</summary>
    public static WireTable<EventMessage> Event { get; } = new("event", "event", "");

    /// <summary><c>rsp/&lt;client&gt;</c>.</summary>
    public static WireTable<ReplyMessage> Reply { get; } = new("reply", "rsp/<client>", "");

    /// <summary><c>obs/proprio</c>.</summary>
    public static WireTable<ProprioMessage> Proprio { get; } = new("proprio", "obs/proprio", "");

    /// <summary><c>cmd/&lt;verb&gt;</c>.</summary>
    public static WireTable<CommandMessage> Command { get; } = new("command", "cmd/<verb>", "");

    /// <summary>All of them, in the order of the documentation.</summary>
    public static IReadOnlyList<WireTable> All { get; } = [Status, Birth, State, Chunk, Infer, Event, Reply, Proprio, Command];

    /// <summary>First 16 hexadecimal digits of the SHA-256 of all schemas.</summary>
    public static string SchemaHash { get; } = "";
}
