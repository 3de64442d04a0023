using BitVla.Kernels.Threading;

namespace BitVla.Kernels.Tests.Threading;

public sealed class WorkerPoolTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> ThreadCounts => [1, 2, 3, 5];

    [Theory]
    [MemberData(nameof(ThreadCounts))]
    public void Run_ManyTimes_RunsEachTileOnce(int threads)
    {
        using var pool = new WorkerPool(threads);
        var job = new CountingJob(new int[97], threads);
        CancellationToken token = Token;
        for (int run = 0; run < 3000; run++)
        {
            pool.Run(ref job, job.Counts.Length, token);
        }

        Assert.All(job.Counts, count => Assert.Equal(3000, count));
    }

    [Fact]
    public void Run_TilesThatNeedEachOther_RunOnDifferentWorkers()
    {
        using var pool = new WorkerPool(3);
        using var barrier = new Barrier(3);
        var job = new BarrierJob(barrier, new int[3]);
        pool.Run(ref job, 3, Token);
        Assert.Equal([0, 1, 2], job.Workers.Order());
    }

    [Theory]
    [MemberData(nameof(ThreadCounts))]
    public void Run_NoTiles_Returns(int threads)
    {
        using var pool = new WorkerPool(threads);
        var job = new CountingJob([], threads);
        pool.Run(ref job, 0, Token);
    }

    [Theory]
    [MemberData(nameof(ThreadCounts))]
    public void Run_CancelledFromATile_StopsAllWorkersBeforeItThrows(int threads)
    {
        using var pool = new WorkerPool(threads);
        using var source = new CancellationTokenSource();
        var state = new CancelState(source);
        var job = new CancellingJob(state);
        var thrown = Assert.Throws<OperationCanceledException>(() => pool.Run(ref job, 10_000, source.Token));
        Assert.Equal(source.Token, thrown.CancellationToken);
        Assert.Equal(0, Volatile.Read(ref state.Inside));
        Assert.InRange(state.Started, 5, 5 + threads - 1);

        // The pool is as good as new.
        var counting = new CountingJob(new int[50], threads);
        pool.Run(ref counting, 50, Token);
        Assert.All(counting.Counts, count => Assert.Equal(1, count));
    }

    [Theory]
    [MemberData(nameof(ThreadCounts))]
    public void Run_TileThrows_RethrowsAtTheCallerAndStaysUsable(int threads)
    {
        using var pool = new WorkerPool(threads);
        for (int run = 0; run < 50; run++)
        {
            var job = new ThrowingJob(run % 20);
            var thrown = Assert.Throws<InvalidDataException>(() => pool.Run(ref job, 20, Token));
            Assert.Equal("tile", thrown.Message);
        }
    }

    [Theory]
    [MemberData(nameof(ThreadCounts))]
    public void Run_FromWithinATile_IsRefused(int threads)
    {
        using var pool = new WorkerPool(threads);
        var job = new ReentrantJob(pool);
        var thrown = Assert.Throws<InvalidOperationException>(() => pool.Run(ref job, 4, Token));
        Assert.Contains("one job at a time", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ThreadCounts))]
    public void Run_AfterWarmUp_AllocatesNothing(int threads)
    {
        using var pool = new WorkerPool(threads);
        var job = new CountingJob(new int[64], threads);
        CancellationToken token = Token;
        long before = 0;
        for (int run = 0; run < 1200; run++)
        {
            before = run == 200 ? GC.GetAllocatedBytesForCurrentThread() : before;
            pool.Run(ref job, 64, token);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(0, job.WorkerAllocations);
    }

    [Fact]
    public void Run_AfterDispose_IsRefused()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        var job = new CountingJob(new int[1], 2);
        Assert.Throws<ObjectDisposedException>(() => pool.Run(ref job, 1, Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(WorkerPool.MaxThreads + 1)]
    public void WorkerPool_ImpossibleThreadCount_IsRefused(int threads) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool(threads));

    private readonly struct CountingJob(int[] counts, int threads) : ITileJob
    {
        // What each helper thread had allocated when it was last seen after warm-up; a helper's count must not move again.
        private readonly long[] allocated = new long[threads];
        private readonly int[] seen = new int[threads];
        private readonly long[] grown = new long[threads];

        public int[] Counts { get; } = counts;

        public long WorkerAllocations => grown.Sum();

        public void RunTile(int tile, int worker)
        {
            Interlocked.Increment(ref Counts[tile]);
            long now = GC.GetAllocatedBytesForCurrentThread();
            if (++seen[worker] > 10)
            {
                grown[worker] += now - allocated[worker];
            }

            allocated[worker] = now;
        }
    }

    private readonly struct BarrierJob(Barrier barrier, int[] workers) : ITileJob
    {
        public int[] Workers { get; } = workers;

        public void RunTile(int tile, int worker)
        {
            Workers[tile] = worker;
            barrier.SignalAndWait();
        }
    }

    private sealed class CancelState(CancellationTokenSource source)
    {
        public int Inside;
        public int Started;

        public CancellationTokenSource Source { get; } = source;
    }

    private readonly struct CancellingJob(CancelState state) : ITileJob
    {
        public void RunTile(int tile, int worker)
        {
            Interlocked.Increment(ref state.Inside);
            int started = Interlocked.Increment(ref state.Started);
            if (started == 5)
            {
                state.Source.Cancel();
            }

            // Later tiles stay until the token is cancelled, however slowly that is done, so they cannot finish the job first.
            while (started > 5 && !state.Source.IsCancellationRequested)
            {
                Thread.Yield();
            }

            Interlocked.Decrement(ref state.Inside);
        }
    }

    private readonly struct ThrowingJob(int badTile) : ITileJob
    {
        public void RunTile(int tile, int worker)
        {
            if (tile == badTile)
            {
                throw new InvalidDataException("tile");
            }
        }
    }

    private readonly struct ReentrantJob(WorkerPool pool) : ITileJob
    {
        public void RunTile(int tile, int worker)
        {
            var inner = new CountingJob(new int[1], 1);
            pool.Run(ref inner, 1, Token);
        }
    }
}
