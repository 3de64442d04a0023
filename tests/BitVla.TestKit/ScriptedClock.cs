namespace BitVla.TestKit;

/// <summary>A clock that moves when a test says so; its timers fire inside <see cref="Advance"/>.</summary>
public sealed class ScriptedClock : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ScriptedTimer> timers = [];
    private TimeSpan now;
    private TimeSpan wallClockStep;

    /// <summary>Wall clock at the start.</summary>
    public DateTimeOffset Start { get; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>Whether timers fire; off, the process of the clock stands still.</summary>
    public bool TimersRun { get; set; } = true;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (gate)
        {
            return now.Ticks;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Start + wallClockStep + TimeSpan.FromTicks(GetTimestamp());

    /// <summary>Steps the wall clock alone, as NTP may.</summary>
    public void StepWallClock(TimeSpan by) => wallClockStep += by;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ScriptedTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (gate)
        {
            timers.Add(timer);
        }

        return timer;
    }

    /// <summary>Moves the clock, firing what falls due on the way, each at its own time.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan end = TimeSpan.FromTicks(GetTimestamp()) + by;
        while (TimersRun && NextDue(end) is { } timer)
        {
            timer.Fire();
        }

        lock (gate)
        {
            now = end;
        }
    }

    private ScriptedTimer? NextDue(TimeSpan end)
    {
        lock (gate)
        {
            ScriptedTimer? next = timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
            if (next is not null && next.Due > now)
            {
                now = next.Due.Value;
            }

            return next;
        }
    }

    private sealed class ScriptedTimer(ScriptedClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period;

        public TimeSpan? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            period = newPeriod;
            Due = dueTime == Timeout.InfiniteTimeSpan ? null : TimeSpan.FromTicks(clock.GetTimestamp()) + dueTime;
            return true;
        }

        public void Fire()
        {
            Due = period == Timeout.InfiniteTimeSpan ? null : Due + period;
            callback(state);
        }

        public void Dispose()
        {
            lock (clock.gate)
            {
                clock.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
