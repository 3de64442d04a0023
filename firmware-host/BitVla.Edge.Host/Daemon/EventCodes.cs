namespace BitVla.Edge.Host.Daemon;

/// <summary>Stable codes of events and replies; docs/daemon.md lists them for people. Codes of <c>WIRE.</c> are the parser's.</summary>
internal static class EventCodes
{
    public const string Ok = "OK";
    public const string CommandRetained = "CMD.RETAINED_REFUSED";
    public const string CommandNoExpiry = "CMD.NO_EXPIRY";
    public const string CommandLongExpiry = "CMD.EXPIRY_TOO_LONG";
    public const string CommandStale = "CMD.STALE";
    public const string CommandNoReplyTopic = "CMD.NO_REPLY_TOPIC";
    public const string CommandUnknown = "CMD.UNKNOWN";
    public const string EstopNoSink = "ESTOP.NO_SINK";
    public const string InstructionChanged = "INSTRUCTION.CHANGED";
    public const string ObservationRetained = "OBS.RETAINED_REFUSED";
    public const string ObservationStale = "OBS.STALE";
    public const string ObservationUnknown = "OBS.UNKNOWN_SOURCE";
    public const string ObservationLength = "OBS.WRONG_LENGTH";
    public const string ObservationNotFinite = "OBS.NOT_FINITE";
    public const string ObservationOverdue = "OBS.OVERDUE";
    public const string ObservationRefused = "OBS.REFUSED";
    public const string ImageRefused = "OBS.IMAGE_REFUSED";
    public const string ChunkOverdue = "CHUNK.OVERDUE";
    public const string ChunkNotFinite = "CHUNK.NOT_FINITE";
    public const string LinkGap = "LINK.GAP";
    public const string LinkNameContended = "LINK.NAME_CONTENDED";
    public const string ModelInvalid = "MODEL.INVALID";
    public const string ModelReady = "MODEL.READY";
}

/// <summary>Severities of RFC 5424.</summary>
internal enum EventSeverity
{
    Critical = 2,
    Error = 3,
    Warning = 4,
    Notice = 5,
    Information = 6,
}
