using System.Globalization;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Starts and ends the connection, and leads what arrives to its desk.</summary>
internal sealed class LinkService(
    MqttLink link, Outbox outbox, Announcer announcer, ObservationDesk observations, CommandDesk commands, EventReporter events, DaemonOutcome outcome, ILogger<LinkService> log) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        link.Connected = _ =>
        {
            // Through the same line as everything else, so that nothing older follows.
            outbox.LinkIsUp();
            announcer.Announce();
            return Task.CompletedTask;
        };
        link.Received = Receive;
        link.StateChanged = (state, reason) => DaemonLog.Link(log, state.ToString(), reason);
        link.NameContended = instance => events.Report(
            EventSeverity.Error, EventCodes.LinkNameContended, "Another daemon asked for this robot's name and was refused.", ("instance", instance));
        link.GapFound = gap => events.Report(
            EventSeverity.Warning, EventCodes.LinkGap, "The MQTT loop stood still; what waited is refused.", ("gap_ms", gap.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture)));
        link.Start();
        _ = link.Completion.ContinueWith(
            ended => outcome.Fail(ended.Exception!.GetBaseException()), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => link.StopAsync(cancellationToken);

    private void Receive(InboundMessage message)
    {
        if (message.Kind == WireTopicKind.Command)
        {
            commands.Receive(message);
        }
        else
        {
            observations.Receive(message);
        }
    }
}
