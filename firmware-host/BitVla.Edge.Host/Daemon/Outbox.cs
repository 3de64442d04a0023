using System.Threading.Channels;
using BitVla.Transport.Mqtt;
using Microsoft.Extensions.Hosting;

namespace BitVla.Edge.Host.Daemon;

/// <summary>What goes out and may wait for an answer: state, events, replies, telemetry. Posting never blocks; the oldest gives way.</summary>
/// <remarks>Chunks do not pass here: they are published at once or not at all.</remarks>
internal sealed class Outbox(MqttLink link) : IHostedService, IDisposable
{
    private const int Capacity = 256;

    // What is still to be said at the end gets this long, so that `stopped` comes within two seconds of SIGTERM.
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(300);

    private readonly CancellationTokenSource stop = new();
    private readonly Channel<OutboundMessage> waiting =
        Channel.CreateBounded<OutboundMessage>(new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private Task pump = Task.CompletedTask;

    /// <summary>Puts a message in line.</summary>
    public void Post(OutboundMessage message) => waiting.Writer.TryWrite(message);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        pump = Task.Run(Pump, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        waiting.Writer.TryComplete();
        stop.CancelAfter(Farewell);
        await pump.ConfigureAwait(false);
    }

    public void Dispose() => stop.Dispose();

    private async Task Pump()
    {
        try
        {
            await foreach (var message in waiting.Reader.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                await link.PublishAsync(message, stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The farewell is over.
        }
    }
}
