using System.Security.Cryptography;
using System.Text;
using static BitVla.Transport.Wire.WireField;

namespace BitVla.Transport.Wire;

/// <summary>The tables of all messages.</summary>
public static class WireTables
{
    private const string SequenceRule = "One more each message; gaps are losses.";
    private const string SessionRule = "Start counter of the daemon.";
    private const string InstanceRule = "Random name of this run of the daemon.";
    private const string UnixTime = "us, Unix";

    private static readonly WireTable<StageTimes> Stages = new(
        "stages", "", "Times of the stages of a pass.", WireLimits.OutboundBytes,
        o => new(
            o.NumberOf("total"), o.OptionalNumber("cap"), o.OptionalNumber("pre"), o.OptionalNumber("vis"), o.OptionalNumber("llm"), o.OptionalNumber("head")),
        (Number("cap", "ms", "Waiting for and decoding the pictures.").Optional(), m => WireNode.OrNothing(m.Capture)),
        (Number("pre", "ms", "Resizing and normalising.").Optional(), m => WireNode.OrNothing(m.Preprocess)),
        (Number("vis", "ms", "Vision tower.").Optional(), m => WireNode.OrNothing(m.Vision)),
        (Number("llm", "ms", "Decoder.").Optional(), m => WireNode.OrNothing(m.Language)),
        (Number("head", "ms", "Action head.").Optional(), m => WireNode.OrNothing(m.Head)),
        (Number("total", "ms", "All of it."), m => WireNode.Of(m.Total)));

    private static readonly WireTable<ActionLimits> Limits = new(
        "limits", "", "Bounds of each number of an action.", WireLimits.OutboundBytes,
        o => new(o.Numbers("low"), o.Numbers("high")),
        (NumberList("low", "units", "Lowest."), m => WireNode.Of(m.Low)),
        (NumberList("high", "units", "Highest."), m => WireNode.Of(m.High)));

    private static readonly WireTable<EmergencyStop> Stop = new(
        "estop", "", "The emergency stop.", WireLimits.OutboundBytes,
        o => new(o.FlagOf("latched"), o.OptionalText("by"), o.OptionalLong("t_us")),
        (Flag("latched", "Pressed and not reset."), m => WireNode.Of(m.Latched)),
        (Text("by", "Who pressed it.").Optional(), m => WireNode.OrNothing(m.By)),
        (Integer("t_us", UnixTime, "When.").Optional(), m => WireNode.OrNothing(m.TimeUs)));

    /// <summary><c>status</c>.</summary>
    public static WireTable<StatusMessage> Status { get; } = new(
        "status", "status", "Whether the daemon is there.", WireLimits.OutboundBytes,
        o => new(o.TextOf("state"), o.U32("session"), o.TextOf("instance"), o.Long("t_us")),
        (Word("state", StatusMessage.States, "Connected; ended on purpose; lost, said by the will."), m => WireNode.Of(m.State)),
        (U32("session", "", SessionRule), m => WireNode.Of((long)m.Session)),
        (Text("instance", InstanceRule), m => WireNode.Of(m.Instance)),
        (Integer("t_us", UnixTime, "When; in a will, when the connection was made."), m => WireNode.Of(m.TimeUs)));

    /// <summary><c>birth</c>.</summary>
    public static WireTable<BirthMessage> Birth { get; } = new(
        "birth", "birth", "What this robot's daemon is, gives and takes.", WireLimits.OutboundBytes,
        o => new()
        {
            Session = o.U32("session"),
            Instance = o.TextOf("instance"),
            TimeUs = o.Long("t_us"),
            Version = o.TextOf("version"),
            Model = o.TextOf("model"),
            ModelName = o.OptionalText("model_name"),
            Unnorm = o.TextOf("unnorm"),
            Kernel = o.TextOf("kernel"),
            Threads = o.Int("threads"),
            ChunkLength = o.Int("n"),
            ActionDim = o.Int("dim"),
            StepMs = o.NumberOf("dt_ms"),
            Space = o.TextOf("space"),
            Frame = o.TextOf("frame"),
            Names = o.Texts("names"),
            Units = o.Texts("units"),
            Grip = o.TextOf("grip"),
            Limits = Limits.FromMember(o, "limits"),
            Cameras = o.Texts("cameras"),
            ProprioDim = o.Int("proprio_dim"),
            Instruction = o.U32("instr"),
            InstructionText = o.TextOf("instruction"),
            Content = o.TextOf("content"),
            Topics = o.Texts("topics"),
            Schema = o.TextOf("schema"),
        },
        (U32("session", "", SessionRule), m => WireNode.Of((long)m.Session)),
        (Text("instance", InstanceRule), m => WireNode.Of(m.Instance)),
        (Integer("t_us", UnixTime, "When."), m => WireNode.Of(m.TimeUs)),
        (Text("version", "Version of the daemon."), m => WireNode.Of(m.Version)),
        (Text("model", "First 16 hexadecimal digits of the model's SHA-256."), m => WireNode.Of(m.Model)),
        (Text("model_name", "The model's own name.").Optional(), m => WireNode.OrNothing(m.ModelName)),
        (Text("unnorm", "Statistics that give actions their units."), m => WireNode.Of(m.Unnorm)),
        (Text("kernel", "Arithmetic in use."), m => WireNode.Of(m.Kernel)),
        (Count("threads", "Threads in use."), m => WireNode.Of((long)m.Threads)),
        (Count("n", "Steps of a chunk."), m => WireNode.Of((long)m.ChunkLength)),
        (Count("dim", "Numbers of a step."), m => WireNode.Of((long)m.ActionDim)),
        (Number("dt_ms", "ms", "Time between two steps."), m => WireNode.Of(m.StepMs)),
        (Word("space", WireWords.Spaces, "What the numbers of a step move."), m => WireNode.Of(m.Space)),
        (Text("frame", "Frame they are in."), m => WireNode.Of(m.Frame)),
        (TextList("names", "Name of each number of a step."), m => WireNode.Of(m.Names)),
        (UnitList("units", "Unit of each, or the checkpoint's own scale."), m => WireNode.Units(m.Units)),
        (Word("grip", WireWords.Grips, "What the gripper's number means."), m => WireNode.Of(m.Grip)),
        (Object("limits", Limits.Fields, "Bounds of an action, once there are any.").Optional(), m => Limits.OrNothing(m.Limits)),
        (TextList("cameras", "Cameras in the model's order."), m => WireNode.Of(m.Cameras)),
        (Count("proprio_dim", "Numbers of the robot state; 0 for none."), m => WireNode.Of((long)m.ProprioDim)),
        (U32("instr", "", "Instruction in force."), m => WireNode.Of((long)m.Instruction)),
        (Text("instruction", "Its text.", WireLimits.InstructionChars), m => WireNode.Of(m.InstructionText)),
        (Text("content", "Content type of what this daemon publishes."), m => WireNode.Of(m.Content)),
        (TextList("topics", "Topics published and taken."), m => WireNode.Of(m.Topics)),
        (Text("schema", "Fingerprint of all schemas."), m => WireNode.Of(m.Schema)));

    /// <summary><c>state</c>.</summary>
    public static WireTable<StateMessage> State { get; } = new(
        "state", "state", "Where the state machine stands and why.", WireLimits.OutboundBytes,
        o => new()
        {
            Session = o.U32("session"),
            State = o.TextOf("state"),
            SinceUs = o.Long("since_us"),
            Reasons = o.Texts("reasons"),
            ArmedBy = o.OptionalText("armed_by"),
            EmergencyStop = Stop.FromMember(o, "estop"),
            Instruction = o.OptionalU32("instr"),
        },
        (U32("session", "", SessionRule), m => WireNode.Of((long)m.Session)),
        (Text("state", "Name of the state."), m => WireNode.Of(m.State)),
        (Integer("since_us", UnixTime, "When it was entered."), m => WireNode.Of(m.SinceUs)),
        (TextList("reasons", "Why it is not more; empty when nothing is wrong."), m => WireNode.Of(m.Reasons)),
        (Text("armed_by", "Who armed it.").Optional(), m => WireNode.OrNothing(m.ArmedBy)),
        (Object("estop", Stop.Fields, "The emergency stop, once there was one.").Optional(), m => Stop.OrNothing(m.EmergencyStop)),
        (U32("instr", "", "Instruction in force.").Optional(), m => WireNode.OrNothing(m.Instruction)));

    /// <summary><c>action/chunk</c>.</summary>
    public static WireTable<ChunkMessage> Chunk { get; } = new(
        "chunk", "action/chunk", "A short plan of motion that runs out by itself.", WireLimits.OutboundBytes,
        o => new()
        {
            Version = o.Int("v"),
            Session = o.U32("session"),
            Sequence = o.U32("seq"),
            ChunkId = o.TextOf("chunk_id"),
            ObservationSequence = o.U32("obs_seq"),
            ObservedUs = o.Long("t_obs_us"),
            PublishedUs = o.Long("t_pub_us"),
            AgeUs = o.U32("age_us"),
            TtlMs = o.U32("ttl_ms"),
            StepMs = o.NumberOf("dt_ms"),
            Start = o.Int("start"),
            ChunkLength = o.Int("n"),
            ActionDim = o.Int("dim"),
            Space = o.TextOf("space"),
            Frame = o.TextOf("frame"),
            Names = o.Texts("names"),
            Units = o.Texts("units"),
            Grip = o.TextOf("grip"),
            Mode = o.TextOf("mode"),
            Instruction = o.U32("instr"),
            Flags = o.Texts("flags"),
            Model = o.TextOf("model"),
            Latency = Stages.FromMember(o, "lat")!,
            Actions = o.Rows("actions", o.Int("n"), o.Int("dim")),
        },
        (Integer("v", "", "Version of this payload.", 1, ChunkMessage.SchemaVersion), m => WireNode.Of((long)m.Version)),
        (U32("session", "", SessionRule + " A receiver forgets its sequence when it changes."), m => WireNode.Of((long)m.Session)),
        (U32("seq", "", SequenceRule), m => WireNode.Of((long)m.Sequence)),
        (Text("chunk_id", "ULID; joins logs and acknowledgements."), m => WireNode.Of(m.ChunkId)),
        (U32("obs_seq", "", "Observation used."), m => WireNode.Of((long)m.ObservationSequence)),
        (Integer("t_obs_us", UnixTime, "When it was seen."), m => WireNode.Of(m.ObservedUs)),
        (Integer("t_pub_us", UnixTime, "When this was published."), m => WireNode.Of(m.PublishedUs)),
        (U32("age_us", "us", "Age of the observation at publication, by the daemon's monotonic clock."), m => WireNode.Of((long)m.AgeUs)),
        (U32("ttl_ms", "ms", "Age of the observation beyond which the chunk must not start."), m => WireNode.Of((long)m.TtlMs)),
        (Number("dt_ms", "ms", "Time between two steps."), m => WireNode.Of(m.StepMs)),
        (Count("start", "First step not yet due."), m => WireNode.Of((long)m.Start)),
        (Count("n", "Steps."), m => WireNode.Of((long)m.ChunkLength)),
        (Count("dim", "Numbers of a step."), m => WireNode.Of((long)m.ActionDim)),
        (Word("space", WireWords.Spaces, "What the numbers of a step move."), m => WireNode.Of(m.Space)),
        (Text("frame", "Frame they are in."), m => WireNode.Of(m.Frame)),
        (TextList("names", "Name of each number of a step."), m => WireNode.Of(m.Names)),
        (UnitList("units", "Unit of each, or the checkpoint's own scale."), m => WireNode.Units(m.Units)),
        (Word("grip", WireWords.Grips, "What the gripper's number means."), m => WireNode.Of(m.Grip)),
        (Word("mode", WireWords.Modes, "Takes the place of the plan before, or follows it."), m => WireNode.Of(m.Mode)),
        (U32("instr", "", "The instruction it obeys."), m => WireNode.Of((long)m.Instruction)),
        (WordList("flags", WireWords.Flags, "What is to be known about it."), m => WireNode.Of(m.Flags)),
        (Text("model", "First 16 hexadecimal digits of the model's SHA-256."), m => WireNode.Of(m.Model)),
        (Object("lat", Stages.Fields, "What the stages took."), m => Stages.ToNode(m.Latency)),
        (NumberRows("actions", "units", "The steps."), m => WireNode.Rows(m.Actions, m.ChunkLength, m.ActionDim)));

    /// <summary><c>telemetry/infer</c>.</summary>
    public static WireTable<InferTelemetry> Infer { get; } = new(
        "infer", "telemetry/infer", "The passes since the daemon started, once a second.", WireLimits.OutboundBytes,
        o => new()
        {
            Session = o.U32("session"),
            TimeUs = o.Long("t_us"),
            Passes = o.Long("passes"),
            Failures = o.Long("failures"),
            Dropped = o.Long("dropped"),
            Last = Stages.FromMember(o, "last"),
            Median = Stages.FromMember(o, "p50"),
            Percentile95 = Stages.FromMember(o, "p95"),
            IdleSeconds = o.OptionalNumber("idle_s"),
            Kernel = o.TextOf("kernel"),
            Threads = o.Int("threads"),
            Tokens = o.Int("tokens"),
        },
        (U32("session", "", SessionRule), m => WireNode.Of((long)m.Session)),
        (Integer("t_us", UnixTime, "When."), m => WireNode.Of(m.TimeUs)),
        (Integer("passes", "", "Passes that gave a chunk."), m => WireNode.Of(m.Passes)),
        (Integer("failures", "", "Passes that gave none."), m => WireNode.Of(m.Failures)),
        (Integer("dropped", "", "Observations replaced by a newer one before a pass took them."), m => WireNode.Of(m.Dropped)),
        (Object("last", Stages.Fields, "The last pass; absent before the first.").Optional(), m => Stages.OrNothing(m.Last)),
        (Object("p50", Stages.Fields, "Medians of the recent passes.").Optional(), m => Stages.OrNothing(m.Median)),
        (Object("p95", Stages.Fields, "95th percentiles of the recent passes.").Optional(), m => Stages.OrNothing(m.Percentile95)),
        (Number("idle_s", "s", "Since the last chunk; absent before the first.").Optional(), m => WireNode.OrNothing(m.IdleSeconds)),
        (Text("kernel", "Arithmetic in use."), m => WireNode.Of(m.Kernel)),
        (Count("threads", "Threads in use."), m => WireNode.Of((long)m.Threads)),
        (Count("tokens", "Tokens of the last pass; 0 before the first."), m => WireNode.Of((long)m.Tokens)));

    /// <summary><c>event</c>.</summary>
    public static WireTable<EventMessage> Event { get; } = new(
        "event", "event", "Something worth remembering happened.", WireLimits.OutboundBytes,
        o => new(o.Long("t_us"), o.Int("sev"), o.TextOf("code"), o.TextOf("msg"), o.OptionalTextMap("data")),
        (Integer("t_us", UnixTime, "When."), m => WireNode.Of(m.TimeUs)),
        (Integer("sev", "", "RFC 5424 severity: 0 emergency, 3 error, 4 warning, 6 informational, 7 debug.", 0, 7), m => WireNode.Of((long)m.Severity)),
        (Text("code", "Stable code."), m => WireNode.Of(m.Code)),
        (Text("msg", "One sentence for a person."), m => WireNode.Of(m.Message)),
        (TextMap("data", "Facts by name.").Optional(), m => m.Data is null ? null : WireNode.Of(m.Data)));

    /// <summary><c>rsp/&lt;client&gt;</c>.</summary>
    public static WireTable<ReplyMessage> Reply { get; } = new(
        "reply", "rsp/<client>", "What became of a command.", WireLimits.OutboundBytes,
        o => new(o.FlagOf("ok"), o.TextOf("code"), o.Texts("reason"), o.TextOf("state")),
        (Flag("ok", "It was done."), m => WireNode.Of(m.Ok)),
        (Text("code", "Stable code; `OK` when done."), m => WireNode.Of(m.Code)),
        (TextList("reason", "Why not; empty when done."), m => WireNode.Of(m.Reasons)),
        (Text("state", "The state after it."), m => WireNode.Of(m.State)));

    /// <summary><c>obs/proprio</c>.</summary>
    public static WireTable<ProprioMessage> Proprio { get; } = new(
        "proprio", "obs/proprio", "The robot's own state at one moment.", WireLimits.ProprioBytes,
        o => new()
        {
            Sequence = o.U32("seq"),
            TimeUs = o.OptionalLong("t_us"),
            AgeUs = o.OptionalU32("age_us"),
            Values = o.Numbers("values"),
            Names = o.OptionalTexts("names"),
            Units = o.OptionalTexts("units"),
        },
        (U32("seq", "", SequenceRule), m => WireNode.Of((long)m.Sequence)),
        (Integer("t_us", UnixTime, "When it was measured; for logs.").Optional(), m => WireNode.OrNothing(m.TimeUs)),
        (U32("age_us", "us", "Age of the measurement when it was sent, by the sender's monotonic clock.").Optional(), m => WireNode.OrNothing(m.AgeUs)),
        (NumberList("values", "the checkpoint's", "Values in the layout of the checkpoint."), m => WireNode.Of(m.Values)),
        (TextList("names", "Name of each value.").Optional(), m => WireNode.OrNothing(m.Names)),
        (TextList("units", "Unit of each value.").Optional(), m => WireNode.OrNothing(m.Units)));

    /// <summary><c>cmd/&lt;verb&gt;</c>.</summary>
    public static WireTable<CommandMessage> Command { get; } = new(
        "command", "cmd/<verb>", "The body of a command; which fields matter depends on the verb.", WireLimits.CommandBytes,
        o => new()
        {
            Instruction = o.OptionalText("instruction"),
            Token = o.OptionalText("token"),
            Reason = o.OptionalText("reason"),
            TimeUs = o.OptionalLong("t_us"),
            TtlMs = o.OptionalU32("ttl_ms"),
        },
        (Text("instruction", "What to do, as a person says it; `instruct` requires it.", WireLimits.InstructionChars).Optional(), m => WireNode.OrNothing(m.Instruction)),
        (Text("token", "Proof that the sender may.").Optional(), m => WireNode.OrNothing(m.Token)),
        (Text("reason", "Why, for the log.").Optional(), m => WireNode.OrNothing(m.Reason)),
        (Integer("t_us", UnixTime, "When it was sent; for logs, never for expiry.").Optional(), m => WireNode.OrNothing(m.TimeUs)),
        (U32("ttl_ms", "ms", "How long the sender means it; the message's own expiry decides.").Optional(), m => WireNode.OrNothing(m.TtlMs)));

    /// <summary><c>claim</c>.</summary>
    public static WireTable<ClaimMessage> Claim { get; } = new(
        "claim", "claim", "Between daemons: who holds this robot's name.", WireLimits.CommandBytes,
        o => new(o.TextOf("kind"), o.TextOf("instance"), o.Long("n")),
        (Word("kind", ClaimMessage.Kinds, "Is the name free; it is mine; a note to myself."), m => WireNode.Of(m.Kind)),
        (Text("instance", InstanceRule), m => WireNode.Of(m.Instance)),
        (Integer("n", "", "Number of the note; 0 for others."), m => WireNode.Of(m.Number)));

    /// <summary>All of them, in the order of the documentation.</summary>
    public static IReadOnlyList<WireTable> All { get; } = [Status, Birth, State, Chunk, Infer, Event, Reply, Proprio, Command, Claim];

    /// <summary>First 16 hexadecimal digits of the SHA-256 of all schemas.</summary>
    public static string SchemaHash { get; } =
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', All.Select(table => table.Schema())))))[..16];

    private static WireField Count(string name, string meaning) => Integer(name, "", meaning, 0, int.MaxValue);
}
