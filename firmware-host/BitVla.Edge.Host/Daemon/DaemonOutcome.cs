using Microsoft.Extensions.Hosting;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Why the daemon ends, when not because it was told to.</summary>
internal sealed class DaemonOutcome(IHostApplicationLifetime lifetime)
{
    private Exception? failure;

    /// <summary>What failed; null when nothing did.</summary>
    public Exception? Failure => Volatile.Read(ref failure);

    /// <summary>Ends the daemon because of this.</summary>
    public void Fail(Exception cause)
    {
        Interlocked.CompareExchange(ref failure, cause, null);
        lifetime.StopApplication();
    }
}
