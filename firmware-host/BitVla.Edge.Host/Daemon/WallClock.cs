namespace BitVla.Edge.Host.Daemon;

/// <summary>The two readings of a clock that the daemon needs.</summary>
internal static class WallClock
{
    /// <summary>Unix time in microseconds; for people and logs, never for deadlines.</summary>
    public static long UnixMicroseconds(this TimeProvider clock) => (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Monotonic time since some fixed moment.</summary>
    public static TimeSpan Monotonic(this TimeProvider clock) => clock.GetElapsedTime(0);
}
