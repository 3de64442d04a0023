namespace BitVla.TestKit;

/// <summary>A clock that stands still until it is told to move; timers fire on the thread that moves it.</summary>
public sealed class ScriptedClock : TimeProvider
{
    private readonly Lock door = new();
    private readonly List<ScriptedTimer> timers = [];
    private TimeSpan now = TimeSpan.FromHours(1);
    private DateTimeOffset utc = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (door)
        {
            return now.Ticks;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (door)
        {
            return utc;
        }
    }

    /// <summary>Lets time pass, and fires what comes due.</summary>
    public void Advance(TimeSpan by)
    {
        ScriptedTimer[] due;
        lock (door)
        {
            now += by;
            utc += by;
            due = [.. timers.Where(t => t.Due <= now)];
        }

        foreach (var timer in due)
        {
            timer.Fire();
        }
    }

    /// <summary>Steps the wall clock alone, as NTP may.</summary>
    public void StepWallClock(TimeSpan by)
    {
        lock (door)
        {
            utc += by;
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ScriptedTimer(this, callback, state);
        timer.Change(dueTime, period);
        lock (door)
        {
            timers.Add(timer);
        }

        return timer;
    }

    private sealed class ScriptedTimer(ScriptedClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period = Timeout.InfiniteTimeSpan;

        public TimeSpan Due { get; private set; } = TimeSpan.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock.door)
            {
                this.period = period;
                Due = dueTime == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : clock.now + dueTime;
                return true;
            }
        }

        public void Fire()
        {
            lock (clock.door)
            {
                Due = period <= TimeSpan.Zero ? TimeSpan.MaxValue : Due + period;
            }

            callback(state);
        }

        public void Dispose()
        {
            lock (clock.door)
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
