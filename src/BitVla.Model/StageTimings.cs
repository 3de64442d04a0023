using System.Diagnostics;

namespace BitVla.Model;

/// <summary>Stages of a pass, in order.</summary>
public enum Stage
{
    /// <summary>Decoded frames to pixel values.</summary>
    Images,

    /// <summary>Vision tower.</summary>
    Vision,

    /// <summary>Connector.</summary>
    Connector,

    /// <summary>Prompt, proprio and embeddings.</summary>
    Sequence,

    /// <summary>Decoder.</summary>
    Decoder,

    /// <summary>Action head and un-normalisation.</summary>
    Action,
}

/// <summary>Wall time of each stage of the last pass.</summary>
public sealed class StageTimings
{
    private readonly long[] ticks = new long[(int)Stage.Action + 1];
    private long last;

    /// <summary>Called as each stage ends, on the pass's thread: for those who measure more than time.</summary>
    public Action<Stage>? StageEnded { get; set; }

    /// <summary>Time of one stage.</summary>
    public TimeSpan this[Stage stage] => Stopwatch.GetElapsedTime(0, ticks[(int)stage]);

    /// <summary>Time of all stages.</summary>
    public TimeSpan Total => Stopwatch.GetElapsedTime(0, ticks.Sum());

    internal void Start() => last = Stopwatch.GetTimestamp();

    internal void End(Stage stage)
    {
        long now = Stopwatch.GetTimestamp();
        ticks[(int)stage] = now - last;
        StageEnded?.Invoke(stage);
        last = Stopwatch.GetTimestamp();
    }
}
