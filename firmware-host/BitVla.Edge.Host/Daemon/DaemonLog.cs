using Microsoft.Extensions.Logging;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Every line the daemon may log, in one place; the values keep their names.</summary>
internal static partial class DaemonLog
{
    [LoggerMessage(1, LogLevel.Information, "STARTING version {Version} robot {Robot} session {Session} mqtt {Host}:{Port} prefix {Prefix}")]
    public static partial void Starting(ILogger log, string version, string robot, uint session, string host, int port, string prefix);

    [LoggerMessage(2, LogLevel.Information, "READY model {Model} kernel {Kernel} threads {Threads} chunk {ChunkLength}x{ActionDim} load_ms {LoadMs}")]
    public static partial void Ready(ILogger log, string model, string kernel, int threads, int chunkLength, int actionDim, long loadMs);

    [LoggerMessage(3, LogLevel.Information, "LINK {State} {Reason}")]
    public static partial void Link(ILogger log, string state, string reason);

    [LoggerMessage(4, LogLevel.Information, "STATE {State} {Reasons}")]
    public static partial void State(ILogger log, string state, string reasons);

    [LoggerMessage(5, LogLevel.Debug, "CHUNK seq {Sequence} obs {ObservationSequence} instr {Instruction} age_ms {AgeMs} pass_ms {PassMs}")]
    public static partial void Chunk(ILogger log, uint sequence, uint observationSequence, uint instruction, long ageMs, long passMs);

    [LoggerMessage(EventId = 6, Message = "EVENT {Code} {Message} {Data}")]
    public static partial void Event(ILogger log, LogLevel level, string code, string message, string data);

    [LoggerMessage(7, LogLevel.Critical, "FAILED {Message}")]
    public static partial void Failed(ILogger log, string message);

    [LoggerMessage(8, LogLevel.Information, "STOPPED pass_ended {PassEnded}")]
    public static partial void Stopped(ILogger log, bool passEnded);
}
