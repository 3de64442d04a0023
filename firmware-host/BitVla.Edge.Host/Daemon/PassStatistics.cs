using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Counts of the passes and the times of the recent ones.</summary>
internal sealed class PassStatistics(TimeProvider clock)
{
    // A minute at the pace of a small board; enough for a 95th percentile.
    private const int Recent = 64;

    private readonly Lock door = new();
    private readonly StageTimes[] times = new StageTimes[Recent];
    private long passes;
    private long failures;
    private long dropped;
    private int tokens;
    private TimeSpan lastChunk;

    public void CountDropped() => Interlocked.Increment(ref dropped);

    public void CountFailure() => Interlocked.Increment(ref failures);

    public void CountPass(StageTimes stages, int sequenceLength)
    {
        lock (door)
        {
            times[passes % Recent] = stages;
            passes++;
            tokens = sequenceLength;
            lastChunk = clock.Monotonic();
        }
    }

    public InferTelemetry Summarize(uint session, LoadedModel? model)
    {
        lock (door)
        {
            int count = (int)Math.Min(passes, Recent);
            return new InferTelemetry
            {
                Session = session,
                TimeUs = clock.UnixMicroseconds(),
                Passes = passes,
                Failures = Interlocked.Read(ref failures),
                Dropped = Interlocked.Read(ref dropped),
                Last = count == 0 ? null : times[(passes - 1) % Recent],
                Median = Quantile(count, 0.5),
                Percentile95 = Quantile(count, 0.95),
                IdleSeconds = count == 0 ? null : (clock.Monotonic() - lastChunk).TotalSeconds,
                Kernel = model?.Policy.Description.Kernel ?? "",
                Threads = model?.Policy.Description.Threads ?? 0,
                Tokens = tokens,
            };
        }
    }

    private StageTimes? Quantile(int count, double at) => count == 0 ? null : new StageTimes(
        Quantile(count, at, t => t.Total)!.Value,
        Quantile(count, at, t => t.Capture),
        Quantile(count, at, t => t.Preprocess),
        Quantile(count, at, t => t.Vision),
        Quantile(count, at, t => t.Language),
        Quantile(count, at, t => t.Head));

    private double? Quantile(int count, double at, Func<StageTimes, double?> stage)
    {
        double[] sorted = [.. times.Take(count).Select(stage).OfType<double>().Order()];
        return sorted.Length == 0 ? null : sorted[(int)Math.Ceiling(at * sorted.Length) - 1];
    }
}
