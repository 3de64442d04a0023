using BitVla.Edge.Host.Configuration;
using Microsoft.Extensions.Hosting;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Once a period: telemetry, the state's reasons, and events that were held back.</summary>
internal sealed class TelemetryLoop(
    DaemonSettings settings, uint session, InferenceLoop inference, PassStatistics statistics, StateBoard board, Publisher publisher, EventReporter events, TimeProvider clock)
    : BackgroundService
{
    /// <summary>What happens each period.</summary>
    public void Tick()
    {
        events.Flush();
        board.Refresh();
        publisher.PostTelemetry(statistics.Summarize(session, inference.Model));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.TelemetryPeriod, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                Tick();
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }
}
