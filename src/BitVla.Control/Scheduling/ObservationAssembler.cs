namespace BitVla.Control.Scheduling;

/// <summary>Puts pictures and robot states that arrive one by one together to observations.</summary>
/// <remarks>
/// The rule:
/// <list type="number">
/// <item>An observation is the newest picture of every camera of the model and the newest robot state (where the model takes one).</item>
/// <item>The capture time of a part is its arrival less the age its sender gave. Without an age it is the arrival, and the
/// observation says so (<see cref="AssembledObservation.AgeGiven"/>). Sender's clocks are never read.</item>
/// <item>The captures lie at most <see cref="ObservationRules.MaxSkew"/> apart, and none is older than <see cref="ObservationRules.MaxAge"/>
/// when the last part arrives, nor when the pass begins.</item>
/// <item>Every part enters at most one observation: one that is complete leaves nothing behind for the next.</item>
/// <item>A complete observation waits in a slot of one; a newer one replaces it.</item>
/// <item>A camera or state that does not come makes no observation, and after <see cref="ObservationRules.Patience"/> a reason.</item>
/// <item>NaN or infinity in a robot state is no state, and takes the one before it along.</item>
/// </list>
/// Offering never blocks: the one lock is held for a few comparisons.
/// </remarks>
public sealed class ObservationAssembler
{
    private readonly ObservationRules rules;
    private readonly TimeProvider clock;
    private readonly LatestSlot<AssembledObservation> slot;
    private readonly Lock door = new();
    private readonly Part[] parts;
    private readonly bool takesProprio;
    private TimeSpan lastCompleted;
    private bool skewed;
    private uint count;

    /// <summary>Creates an assembler that fills a slot.</summary>
    public ObservationAssembler(ObservationRules rules, TimeProvider clock, LatestSlot<AssembledObservation> slot)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(clock);
        this.rules = rules;
        this.clock = clock;
        this.slot = slot;
        takesProprio = rules.ProprioDim > 0;
        parts = [.. rules.Cameras.Select(camera => new Part(camera))];
        if (takesProprio)
        {
            parts = [.. parts, new Part(null)];
        }

        lastCompleted = Now;
    }

    /// <summary>Observations that were completed.</summary>
    public uint Count => Volatile.Read(ref count);

    private TimeSpan Now => clock.GetElapsedTime(0);

    /// <summary>Offers an encoded picture; its bytes must not change any more.</summary>
    public OfferOutcome OfferImage(string camera, ReadOnlyMemory<byte> encoded, SenderStamp stamp)
    {
        lock (door)
        {
            var part = Array.Find(parts, p => p.Camera is not null && string.Equals(p.Camera, camera, StringComparison.Ordinal));
            return part is null ? OfferOutcome.UnknownSource : Keep(part, stamp, p => p.Encoded = encoded);
        }
    }

    /// <summary>Offers a robot state; its values must not change any more.</summary>
    public OfferOutcome OfferProprio(ReadOnlyMemory<double> values, SenderStamp stamp)
    {
        lock (door)
        {
            if (!takesProprio)
            {
                return OfferOutcome.UnknownSource;
            }

            var part = parts[^1];
            if (values.Length != rules.ProprioDim)
            {
                return OfferOutcome.WrongLength;
            }

            foreach (double value in values.Span)
            {
                if (!double.IsFinite(value))
                {
                    return Spoil(part);
                }
            }

            return Keep(part, stamp, p => p.Values = values);
        }
    }

    /// <summary>Says that a robot state came which held NaN or infinity, when that was found before its values could be offered.</summary>
    public OfferOutcome OfferSpoiltProprio()
    {
        lock (door)
        {
            return takesProprio ? Spoil(parts[^1]) : OfferOutcome.UnknownSource;
        }
    }

    /// <summary>Whether an observation that waited is still young enough for a pass that begins now.</summary>
    public bool IsTimely(AssembledObservation observation)
    {
        ArgumentNullException.ThrowIfNull(observation);
        return Now - observation.CaptureTime <= rules.MaxAge;
    }

    /// <summary>Forgets every part: nothing that came before this moment enters an observation.</summary>
    public void Forget()
    {
        lock (door)
        {
            foreach (var part in parts)
            {
                part.Fresh = false;
            }

            _ = slot.TryTake();
        }
    }

    /// <summary>Why no observation came for longer than the patience; empty when one did.</summary>
    /// <remarks>CAMERA_MISSING:name, CAMERA_STALE:name, PROPRIO_MISSING, PROPRIO_STALE, PROPRIO_NOT_FINITE, SKEW.</remarks>
    public IReadOnlyList<string> Reasons()
    {
        lock (door)
        {
            var now = Now;
            if (now - lastCompleted <= rules.Patience)
            {
                return [];
            }

            var reasons = new List<string>();
            foreach (var part in parts)
            {
                string subject = part.Camera is null ? "PROPRIO_" : "CAMERA_";
                string name = part.Camera is null ? "" : ":" + part.Camera;
                if (part.Problem is { } problem)
                {
                    reasons.Add(subject + problem + name);
                }
                else if (!part.Fresh || now - part.CaptureTime > rules.MaxAge)
                {
                    reasons.Add(subject + "MISSING" + name);
                }
            }

            if (skewed && reasons.Count == 0)
            {
                reasons.Add("SKEW");
            }

            return reasons;
        }
    }

    private static OfferOutcome Spoil(Part part)
    {
        part.Fresh = false;
        part.Problem = "NOT_FINITE";
        return OfferOutcome.NotFinite;
    }

    private OfferOutcome Keep(Part part, SenderStamp stamp, Action<Part> store)
    {
        var now = Now;
        var age = stamp.Age ?? TimeSpan.Zero;
        if (age > rules.MaxAge)
        {
            part.Problem = "STALE";
            return OfferOutcome.TooOld;
        }

        var capture = now - age;
        if (part.Seen && capture < part.CaptureTime)
        {
            return OfferOutcome.OutOfOrder;
        }

        store(part);
        part.Seen = true;
        part.Fresh = true;
        part.Problem = null;
        part.CaptureTime = capture;
        part.AgeGiven = stamp.Age is not null;
        part.Sequence = stamp.Sequence;
        return Complete(now);
    }

    private OfferOutcome Complete(TimeSpan now)
    {
        var first = TimeSpan.MaxValue;
        var last = TimeSpan.MinValue;
        bool ageGiven = true;
        foreach (var part in parts)
        {
            if (!part.Fresh || now - part.CaptureTime > rules.MaxAge)
            {
                return OfferOutcome.Kept;
            }

            first = part.CaptureTime < first ? part.CaptureTime : first;
            last = part.CaptureTime > last ? part.CaptureTime : last;
            ageGiven &= part.AgeGiven;
        }

        skewed = last - first > rules.MaxSkew;
        if (skewed)
        {
            return OfferOutcome.Kept;
        }

        count++;
        var numbered = takesProprio ? parts[^1] : parts[0];
        var observation = new AssembledObservation(
            numbered.Sequence ?? count,
            [.. parts.Where(p => p.Camera is not null).Select(p => new CapturedImage(p.Camera!, p.Encoded, p.CaptureTime))],
            takesProprio ? parts[^1].Values : default,
            first,
            last - first,
            now,
            ageGiven);
        foreach (var part in parts)
        {
            part.Fresh = false;
        }

        lastCompleted = now;
        return slot.Put(observation) is null ? OfferOutcome.Completed : OfferOutcome.Replaced;
    }

    // Null camera: the robot state.
    private sealed class Part(string? camera)
    {
        public string? Camera { get; } = camera;

        public ReadOnlyMemory<byte> Encoded { get; set; }

        public ReadOnlyMemory<double> Values { get; set; }

        public TimeSpan CaptureTime { get; set; }

        public uint? Sequence { get; set; }

        public bool AgeGiven { get; set; }

        // Came at all.
        public bool Seen { get; set; }

        // Came and has entered no observation.
        public bool Fresh { get; set; }

        public string? Problem { get; set; }
    }
}
