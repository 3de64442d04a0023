namespace BitVla.Control.Scheduling;

/// <summary>When the actions of a chunk are due, for an arm that holds still while the policy thinks.</summary>
/// <remarks>
/// The time to live counts from the oldest capture of the observation, as the receiver's own rule does: it expires a chunk at
/// arrival + ttl - age, by its own monotonic clock.
/// </remarks>
/// <param name="Start">First action not yet due: 0, since nothing moved since the observation.</param>
/// <param name="Age">Age of the observation.</param>
/// <param name="Ttl">Time to live, counted from the observation.</param>
public readonly record struct SynchronousPlan(int Start, TimeSpan Age, TimeSpan Ttl)
{
    /// <summary>Time left before the chunk must not start any more.</summary>
    public TimeSpan Remaining => Ttl - Age;

    /// <summary>Whether the chunk may still start.</summary>
    public bool IsTimely => Remaining > TimeSpan.Zero;

    /// <summary>Remaining time in whole seconds, rounded up, at least 1: MQTT's expiry knows no fractions.</summary>
    public uint ExpirySeconds => (uint)Math.Max(1, Math.Ceiling(Remaining.TotalSeconds));

    /// <summary>The plan of a chunk that is ready now.</summary>
    /// <param name="captureTime">Monotonic time of the observation's oldest capture.</param>
    /// <param name="now">Monotonic time now.</param>
    /// <param name="ttl">Time to live.</param>
    public static SynchronousPlan At(TimeSpan captureTime, TimeSpan now, TimeSpan ttl) => new(0, now - captureTime, ttl);
}
