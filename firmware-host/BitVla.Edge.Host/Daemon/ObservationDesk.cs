using System.Globalization;
using BitVla.Contracts;
using BitVla.Control.Scheduling;
using BitVla.Edge.Host.Configuration;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Takes pictures and robot states from the MQTT loop to the assembler: quick checks only, nothing is decoded here.</summary>
internal sealed class ObservationDesk(DaemonSettings settings, StateBoard board, PassStatistics statistics, EventReporter events, TimeProvider clock) : IDisposable
{
    private readonly LatestSlot<AssembledObservation> slot = new();
    private ObservationAssembler? assembler;

    /// <summary>The observation that waits for a pass.</summary>
    public LatestSlot<AssembledObservation> Slot => slot;

    /// <summary>Begins to take what the model needs; whatever came before was not kept.</summary>
    public void Open(PolicyDescription description)
    {
        var opened = new ObservationAssembler(settings.Rules(description.Cameras, description.ProprioDim), clock, slot);
        Volatile.Write(ref assembler, opened);
        board.ModelLoaded(() => (opened.Count > 0, opened.Reasons()));
    }

    /// <summary>Whether an observation may still enter a pass.</summary>
    public bool IsTimely(AssembledObservation observation) => assembler!.IsTimely(observation);

    /// <summary>Forgets what came so far.</summary>
    public void Forget() => Volatile.Read(ref assembler)?.Forget();

    /// <summary>Takes one message, on the MQTT loop.</summary>
    public void Receive(in InboundMessage message)
    {
        string source = message.Kind == WireTopicKind.Proprio ? "proprio" : message.Name;
        if (message.Retained)
        {
            events.Report(EventSeverity.Warning, EventCodes.ObservationRetained, "A retained observation was refused: nobody knows how old it is.", ("source", source));
        }
        else if (message.TooLarge > 0)
        {
            events.Report(EventSeverity.Warning, WireCodes.TooLarge, "An observation was refused unread: it is too large.", ("source", source), ("bytes", Text(message.TooLarge)));
        }
        else if (message.QueuedAcrossGap)
        {
            events.Report(EventSeverity.Warning, EventCodes.ObservationStale, "An observation was refused: it may have waited while this process stood still.", ("source", source));
        }
        else if (!board.IsPaused && Volatile.Read(ref assembler) is { } open)
        {
            Answer(Offer(open, message), message, source);
        }
    }

    public void Dispose() => slot.Dispose();

    private OfferOutcome? Offer(ObservationAssembler open, in InboundMessage message)
    {
        if (message.Kind == WireTopicKind.Image)
        {
            return open.OfferImage(message.Name, message.Payload, new SenderStamp(Age(message.AgeUs), message.Sequence));
        }

        try
        {
            var proprio = ProprioMessage.Parse(message.Payload.Span, message.ContentType);
            return open.OfferProprio(proprio.Values, new SenderStamp(Age(proprio.AgeUs), proprio.Sequence));
        }
        catch (WireException wrong) when (wrong.Code == WireCodes.NonFinite)
        {
            return open.OfferSpoiltProprio();
        }
        catch (WireException wrong)
        {
            events.Report(EventSeverity.Warning, wrong.Code, wrong.Message, ("source", "proprio"), ("field", wrong.Field));
            return null;
        }
    }

    private void Answer(OfferOutcome? outcome, in InboundMessage message, string source)
    {
        switch (outcome)
        {
            case OfferOutcome.Replaced:
                statistics.CountDropped();
                board.Refresh();
                break;
            case OfferOutcome.Completed:
                board.Refresh();
                break;
            case OfferOutcome.TooOld:
                events.Report(EventSeverity.Warning, EventCodes.ObservationStale, "An observation was refused: its sender says it is too old.", ("source", source), ("age_us", message.AgeUs is { } age ? Text(age) : ""));
                break;
            case OfferOutcome.UnknownSource:
                events.Report(EventSeverity.Warning, EventCodes.ObservationUnknown, "The model takes no such source.", ("source", source));
                break;
            case OfferOutcome.WrongLength:
                events.Report(EventSeverity.Warning, EventCodes.ObservationLength, "The robot state has another length than the model takes.", ("source", source));
                break;
            case OfferOutcome.NotFinite:
                events.Report(EventSeverity.Error, EventCodes.ObservationNotFinite, "The robot state holds NaN or infinity; no observation is made of it.", ("source", source));
                break;
        }
    }

    private static TimeSpan? Age(uint? microseconds) => microseconds is { } us ? TimeSpan.FromMicroseconds(us) : null;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
