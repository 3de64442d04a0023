using BitVla.Transport.Wire;

namespace BitVla.Transport.Mqtt;

/// <summary>What a daemon knows about the name it wants.</summary>
internal enum ClaimVerdict
{
    /// <summary>Not yet decided.</summary>
    Wait,

    /// <summary>Nobody objected: the name is ours.</summary>
    Free,

    /// <summary>Another daemon holds it, or asked earlier.</summary>
    Taken,
}

/// <summary>The rule by which one of several daemons gets a robot's name; docs/wire.md says it in words.</summary>
/// <remarks>No network and no waiting in here, so the rule can be tested by itself. Callbacks of one connection at a time.</remarks>
/// <param name="instance">Who we are; a ULID.</param>
/// <param name="window">How long a holder has to answer.</param>
/// <param name="clock">Monotonic clock.</param>
internal sealed class RobotClaim(string instance, TimeSpan window, TimeProvider clock)
{
    /// <summary>How long a status of another daemon that says <c>online</c> keeps us waiting when nobody answers: its will is out within one and
    /// a half times its keep-alive.</summary>
    public static readonly TimeSpan SilentHolder = TimeSpan.FromSeconds(4);

    /// <summary>How long we ask after having been refused: the holder may be on its way back to a restarted broker.</summary>
    public static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(3);

    private readonly Lock gate = new();
    private long askedAt;
    private bool asking;
    private bool holding;
    private bool otherOnline;
    private bool refusedBefore;
    private string? winner;

    /// <summary>The name is ours.</summary>
    public bool Holding
    {
        get
        {
            lock (gate)
            {
                return holding;
            }
        }
    }

    /// <summary>The daemon that keeps us from the name; null when none is known.</summary>
    public string? Winner
    {
        get
        {
            lock (gate)
            {
                return winner;
            }
        }
    }

    /// <summary>Starts asking, on a new connection.</summary>
    public ClaimMessage Begin()
    {
        lock (gate)
        {
            (askedAt, asking, holding, otherOnline, winner) = (clock.GetTimestamp(), true, false, false, null);
            return new(ClaimMessage.Ask, instance);
        }
    }

    /// <summary>The robot's status, retained or new.</summary>
    public void OnStatus(StatusMessage status)
    {
        lock (gate)
        {
            otherOnline = status.State == StatusMessage.Online && status.Instance != instance;
        }
    }

    /// <summary>A message of another daemon.</summary>
    /// <returns>What to answer; null for nothing.</returns>
    public ClaimMessage? OnClaim(ClaimMessage message)
    {
        lock (gate)
        {
            if (message.Instance == instance || message.Kind == ClaimMessage.Barrier)
            {
                return null;
            }

            bool earlier = string.CompareOrdinal(instance, message.Instance) < 0;
            if (message.Kind == ClaimMessage.Ask && (holding || (asking && earlier)))
            {
                return new(ClaimMessage.Held, instance);
            }

            // Two holders can only be after a broker lost sight of one; the later one gives way. Whoever asks gives way to any holder.
            if (asking || (holding && message.Kind == ClaimMessage.Held && !earlier))
            {
                (winner, asking, holding, refusedBefore) = (message.Instance, false, false, true);
            }

            return null;
        }
    }

    /// <summary>Where it stands now.</summary>
    public ClaimVerdict Decide()
    {
        lock (gate)
        {
            if (holding)
            {
                return ClaimVerdict.Free;
            }

            if (!asking)
            {
                return ClaimVerdict.Taken;
            }

            TimeSpan asked = clock.GetElapsedTime(askedAt);
            if (asked < window || (refusedBefore && asked < AfterRefusal) || (otherOnline && asked < SilentHolder))
            {
                return ClaimVerdict.Wait;
            }

            (asking, holding, refusedBefore) = (false, true, false);
            return ClaimVerdict.Free;
        }
    }
}
