using System.Globalization;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Judges and obeys commands, on the MQTT loop; each takes microseconds.</summary>
/// <remarks>
/// Refused before they are read: retained ones, those without an expiry or with one beyond five seconds, those that may have waited while this
/// process stood still. The emergency stop is obeyed whatever its properties and payload are.
/// </remarks>
internal sealed class CommandDesk(InstructionSlot instruction, StateBoard board, ObservationDesk observations, Announcer announcer, Publisher publisher, EventReporter events)
{
    /// <summary>Longest expiry of a command, seconds.</summary>
    public const uint MaxExpirySeconds = 5;

    private const string PausedByCommand = "COMMAND";
    private const string PausedByEstop = "ESTOP";

    /// <summary>The verbs there are.</summary>
    public static IReadOnlyList<string> Verbs { get; } =
        [CommandMessage.Instruct, CommandMessage.Pause, CommandMessage.Resume, CommandMessage.Rebirth, CommandMessage.Estop];

    /// <summary>Takes one message, on the MQTT loop.</summary>
    public void Receive(in InboundMessage message)
    {
        if (message.Name == CommandMessage.Estop)
        {
            Stop(message);
            return;
        }

        var (code, reason) = Refusal(message);
        if (code.Length == 0)
        {
            (code, reason) = Obey(message);
        }

        Reply(message, code, reason);
        if (code != EventCodes.Ok)
        {
            events.Report(EventSeverity.Warning, code, $"cmd/{message.Name} was refused: {reason}", ("verb", message.Name));
        }
    }

    private static (string Code, string Reason) Refusal(in InboundMessage message) => message switch
    {
        { Retained: true } => (EventCodes.CommandRetained, "it is retained, and nobody knows when it was meant"),
        { QueuedAcrossGap: true } => (EventCodes.CommandStale, "it may have waited while this process stood still"),
        { ExpirySeconds: null } => (EventCodes.CommandNoExpiry, "it has no message expiry"),
        { ExpirySeconds: > MaxExpirySeconds } => (EventCodes.CommandLongExpiry, $"its expiry is beyond {MaxExpirySeconds} s"),
        { TooLarge: > 0 } => (WireCodes.TooLarge, $"it has more than {WireLimits.CommandBytes} bytes"),
        _ when !Verbs.Contains(message.Name) => (EventCodes.CommandUnknown, $"the verbs are {string.Join(", ", Verbs)}"),

        // Whoever wants to pause is obeyed without being able to hear so.
        { ResponseTopic: null } when message.Name != CommandMessage.Pause => (EventCodes.CommandNoReplyTopic, "it has no response topic rsp/<client> of this robot"),
        _ => ("", ""),
    };

    private (string Code, string Reason) Obey(in InboundMessage message)
    {
        CommandMessage command;
        try
        {
            command = CommandMessage.Parse(message.Name, message.Payload.Span, message.ContentType);
        }
        catch (WireException wrong)
        {
            return (wrong.Code, wrong.Message);
        }

        switch (command.Verb)
        {
            case CommandMessage.Instruct:
                var told = instruction.Set(command.Instruction!);
                board.Refresh();
                announcer.Announce();
                events.Report(EventSeverity.Notice, EventCodes.InstructionChanged, told.Text, ("instr", told.Id.ToString(CultureInfo.InvariantCulture)));
                break;
            case CommandMessage.Pause:
                board.Pause(PausedByCommand);
                observations.Forget();
                break;
            case CommandMessage.Resume:
                observations.Forget();
                board.Resume();
                break;
            case CommandMessage.Rebirth:
                announcer.Announce();
                break;
        }

        return (EventCodes.Ok, "");
    }

    private void Stop(in InboundMessage message)
    {
        board.Pause(PausedByEstop);
        observations.Forget();
        events.Report(EventSeverity.Critical, EventCodes.EstopNoSink, "Emergency stop: passes are paused; this daemon drives no motor that could be stopped.");
        Reply(message, EventCodes.Ok, "");
    }

    private void Reply(in InboundMessage message, string code, string reason)
    {
        if (message.ResponseTopic is { } topic)
        {
            publisher.PostReply(topic, message.CorrelationData, new ReplyMessage(code == EventCodes.Ok, code, reason.Length == 0 ? [] : [reason], board.Current.State));
        }
    }
}
