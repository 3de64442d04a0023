namespace BitVla.Transport.Wire;

/// <summary><c>telemetry/infer</c>: the passes since the daemon started, once a second.</summary>
public sealed record InferTelemetry
{
    /// <summary>Daemon start counter.</summary>
    public required uint Session { get; init; }

    /// <summary>Unix time, microseconds.</summary>
    public required long TimeUs { get; init; }

    /// <summary>Passes that gave a chunk.</summary>
    public required long Passes { get; init; }

    /// <summary>Passes that gave none.</summary>
    public required long Failures { get; init; }

    /// <summary>Observations replaced by a newer one before a pass took them.</summary>
    public required long Dropped { get; init; }

    /// <summary>The last pass; absent before the first.</summary>
    public StageTimes? Last { get; init; }

    /// <summary>Medians of the recent passes.</summary>
    public StageTimes? Median { get; init; }

    /// <summary>95th percentiles of the recent passes.</summary>
    public StageTimes? Percentile95 { get; init; }

    /// <summary>Seconds since the last chunk; absent before the first.</summary>
    public double? IdleSeconds { get; init; }

    /// <summary>Kernel in use.</summary>
    public required string Kernel { get; init; }

    /// <summary>Threads in use.</summary>
    public required int Threads { get; init; }

    /// <summary>Tokens S of the last pass; 0 before the first.</summary>
    public required int Tokens { get; init; }
}
