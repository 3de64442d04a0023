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
    private TaskCompletionSource connected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Puts a message in line.</summary>
    public void Post(OutboundMessage message) => waiting.Writer.TryWrite(message);

    /// <summary>Tells that the link is up: events and replies that found it down are sent now.</summary>
    public void LinkIsUp() =>
        Interlocked.Exchange(ref connected, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

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
                await Send(message).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The farewell is over.
        }
    }

    // A retained command is refused while the link is still coming up: somebody must hear of it. What is retained is announced anew at
    // each connection, and telemetry of a time without a link is of no use: only events and replies wait.
    private async Task Send(OutboundMessage message)
    {
        const int Attempts = 3;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            // Taken before the attempt, so that a link that comes up during it is not missed.
            var nextConnection = Volatile.Read(ref connected).Task;
            if (await link.PublishAsync(message, stop.Token).ConfigureAwait(false) || message.Retain || message.Qos == 0)
            {
                return;
            }

            await nextConnection.WaitAsync(stop.Token).ConfigureAwait(false);
        }
    }
}
