namespace BitVla.Transport.Mqtt;

/// <summary>Notices that the MQTT loop stood still, and knows which messages may have waited meanwhile.</summary>
/// <remarks>
/// A heartbeat beats every <see cref="Period"/>. When the time since the last beat passes <see cref="Threshold"/>, whoever
/// notices first, the timer or a message, opens a gap. From then on each message may be one that waited. The gap closes when a
/// barrier, a message that we send to ourselves through the broker after the gap was found, comes back: what arrives behind
/// it was sent after it. That does not hold for what lies in the socket of another client when broker and daemon stood still as
/// one process: it may be read after the barrier. So a gap also stays open for <see cref="Quarantine"/>, whatever comes back, and
/// over a new connection.
/// </remarks>
/// <param name="clock">Monotonic clock.</param>
internal sealed class LoopGap(TimeProvider clock)
{
    /// <summary>Time between beats.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    /// <summary>A longer silence is a gap.</summary>
    public static readonly TimeSpan Threshold = TimeSpan.FromMilliseconds(500);

    /// <summary>A gap lasts at least this long after it was found.</summary>
    public static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private long? foundAt;
    private long lastBeat = clock.GetTimestamp();
    private long barrier;
    private bool open;

    /// <summary>Gaps so far.</summary>
    public long Count { get; private set; }

    /// <summary>A gap is open: no barrier came back yet.</summary>
    public bool Open
    {
        get
        {
            lock (gate)
            {
                return open;
            }
        }
    }

    /// <summary>The loop is alive. Call from the timer.</summary>
    /// <returns>How long it stood still, when this opened a gap; else null.</returns>
    public TimeSpan? Beat()
    {
        lock (gate)
        {
            return Look(beat: true);
        }
    }

    /// <summary>A message came.</summary>
    /// <param name="found">How long the loop stood still, when this opened a gap.</param>
    /// <returns>Whether the message may have waited across a gap.</returns>
    public bool Receive(out TimeSpan? found)
    {
        lock (gate)
        {
            found = Look(beat: false);
            return open || (foundAt is { } at && clock.GetElapsedTime(at) < Quarantine);
        }
    }

    /// <summary>Number of the barrier that closes the gap.</summary>
    public long Barrier
    {
        get
        {
            lock (gate)
            {
                return barrier;
            }
        }
    }

    /// <summary>A barrier came back.</summary>
    public void Passed(long number)
    {
        lock (gate)
        {
            open &= number != barrier;
        }
    }

    /// <summary>A new connection: nothing can have waited in it but what the quarantine is for.</summary>
    public void Reset()
    {
        lock (gate)
        {
            open = false;
            lastBeat = clock.GetTimestamp();
        }
    }

    private TimeSpan? Look(bool beat)
    {
        long now = clock.GetTimestamp();
        TimeSpan silence = clock.GetElapsedTime(lastBeat, now);
        bool gap = silence > Threshold;
        if (beat || gap)
        {
            lastBeat = now;
        }

        if (!gap)
        {
            return null;
        }

        open = true;
        foundAt = now;
        barrier++;
        Count++;
        return silence;
    }
}
