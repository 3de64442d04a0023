using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace BitVla.Kernels.Threading;

/// <summary>A fixed set of threads that run tiles; the calling thread is one of them.</summary>
/// <remarks>
/// A pass makes about a thousand runs, some of a few microseconds, so a run costs no allocation and, while the pass is
/// going, no system call: idle workers spin a little before they park. Workers join a run; the caller does not
/// wait for one that is still asleep, it works alone until help arrives. One caller at a time.
/// </remarks>
public sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>Most workers a pool accepts.</summary>
    public const int MaxThreads = 64;

    // Bits of the state word: how many workers are inside the run, whether it still lets workers in, and its number, so that
    // one compare-and-swap joins exactly the run that was seen.
    private const long ActiveMask = 0xFFFF;
    private const long Open = 1 << 16;
    private const int NumberShift = 32;

    private readonly Thread[] helpers;
    private readonly object idleGate = new();
    private readonly object doneGate = new();
    private readonly int spins;
    private Shared shared;
    private int parkedHelpers;
    private int running;
    private bool stopping;

    // The run in progress. Written before the run opens, read only by workers that joined it.
    private void* job;
    private delegate*<void*, int, int, void> runTile;
    private int tileCount;
    private CancellationToken cancellation;
    private Exception? failure;
    private bool abandoned;

    /// <summary>Creates a pool of <paramref name="threads"/> workers, the caller included.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 1 … <see cref="MaxThreads"/>.</exception>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MaxThreads);
        Threads = threads;

        // About 20 µs (a SpinWait(10) is some 0.4 µs): longer than the gap between two operations of a pass. With more workers than processors a spinning
        // worker would only keep the working ones from running.
        spins = threads <= Environment.ProcessorCount ? 60 : 5;
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.Length; i++)
        {
            int worker = i + 1;
            helpers[i] = new Thread(() => Help(worker)) { IsBackground = true, Name = $"bitvla-worker-{worker}" };
            helpers[i].Start();
        }
    }

    /// <summary>Number of workers, the caller included.</summary>
    public int Threads { get; }

    /// <summary>Runs all tiles and returns when the last is done; allocates nothing.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; no tile is running any more.</exception>
    /// <exception cref="InvalidOperationException">A run is in progress: called from within a tile, or by two threads.</exception>
    public void Run<TJob>(ref TJob job, int tileCount, CancellationToken cancellation)
        where TJob : struct, ITileJob
    {
        ObjectDisposedException.ThrowIf(stopping, this);
        cancellation.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref running, 1) != 0)
        {
            throw new InvalidOperationException("Invariant: a worker pool runs one job at a time, and a tile may not start another.");
        }

        // Pinned, because a job may live in a heap object and the other workers hold a plain pointer to it.
        fixed (byte* pinned = &Unsafe.As<TJob, byte>(ref job))
        {
            this.job = pinned;
            runTile = &RunTileOf<TJob>;
            this.tileCount = tileCount;
            this.cancellation = cancellation;
            failure = null;
            abandoned = false;
            shared.NextTile = 0;
            RunOnAllWorkers(tileCount);
        }

        Exception? thrown = failure;
        bool cancelled = abandoned && thrown is null;
        failure = null;
        this.cancellation = default;
        Volatile.Write(ref running, 0);
        if (thrown is not null)
        {
            ExceptionDispatchInfo.Throw(thrown);
        }

        if (cancelled)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    /// <summary>Stops and joins the threads.</summary>
    public void Dispose()
    {
        lock (idleGate)
        {
            stopping = true;
            Monitor.PulseAll(idleGate);
        }

        foreach (Thread helper in helpers)
        {
            helper.Join();
        }
    }

    private static void RunTileOf<TJob>(void* job, int tile, int worker)
        where TJob : struct, ITileJob => Unsafe.AsRef<TJob>(job).RunTile(tile, worker);

    private static long NumberOf(long state) => state >> NumberShift;

    private void RunOnAllWorkers(int tiles)
    {
        // One tile, or one worker, needs nobody's help.
        bool alone = helpers.Length == 0 || tiles <= 1;
        if (!alone)
        {
            OpenRun();
        }

        RunTiles(worker: 0);
        if (!alone)
        {
            CloseRun();
        }
    }

    private void OpenRun()
    {
        long number = NumberOf(shared.State) + 1;

        // The exchange is a full fence between the new state and the read of the parked count; a helper that parks fences
        // the other way round, so one of the two sees the other. A lost wake-up would cost speed only: the caller can finish alone.
        Interlocked.Exchange(ref shared.State, (number << NumberShift) | Open);
        if (Volatile.Read(ref parkedHelpers) > 0)
        {
            lock (idleGate)
            {
                Monitor.PulseAll(idleGate);
            }
        }
    }

    private void CloseRun()
    {
        if ((Interlocked.And(ref shared.State, ~Open) & ActiveMask) == 0)
        {
            return;
        }

        for (int spin = 0; spin < spins; spin++)
        {
            if ((Volatile.Read(ref shared.State) & ActiveMask) == 0)
            {
                return;
            }

            Thread.SpinWait(10);
        }

        lock (doneGate)
        {
            while ((Volatile.Read(ref shared.State) & ActiveMask) != 0)
            {
                Monitor.Wait(doneGate);
            }
        }
    }

    private void Help(int worker)
    {
        long finished = 0;
        while (WaitForRun(finished))
        {
            long state = Volatile.Read(ref shared.State);
            if (!IsJoinable(state, finished) || Interlocked.CompareExchange(ref shared.State, state + 1, state) != state)
            {
                continue;
            }

            finished = NumberOf(state);
            RunTiles(worker);
            long left = Interlocked.Decrement(ref shared.State);
            if ((left & (Open | ActiveMask)) == 0)
            {
                // The last one out always takes the lock: whether the caller is parked is then no question of fences.
                lock (doneGate)
                {
                    Monitor.Pulse(doneGate);
                }
            }
        }
    }

    /// <summary>Returns true when a run newer than <paramref name="finished"/> was seen open, false when the pool ends.</summary>
    private bool WaitForRun(long finished)
    {
        for (int spin = 0; spin < spins; spin++)
        {
            if (IsJoinable(Volatile.Read(ref shared.State), finished))
            {
                return true;
            }

            Thread.SpinWait(10);
        }

        lock (idleGate)
        {
            Interlocked.Increment(ref parkedHelpers);
            while (!stopping && !IsJoinable(Volatile.Read(ref shared.State), finished))
            {
                Monitor.Wait(idleGate);
            }

            Interlocked.Decrement(ref parkedHelpers);
            return !stopping;
        }
    }

    private static bool IsJoinable(long state, long finished) => (state & Open) != 0 && NumberOf(state) != finished;

    private void RunTiles(int worker)
    {
        void* job = this.job;
        var runTile = this.runTile;
        int count = tileCount;
        CancellationToken token = cancellation;
        try
        {
            while (!Volatile.Read(ref abandoned))
            {
                int tile = Interlocked.Increment(ref shared.NextTile) - 1;
                if (tile >= count)
                {
                    return;
                }

                // Asked after the claim, so a run whose tiles were all started is never reported as cancelled.
                if (token.IsCancellationRequested)
                {
                    Volatile.Write(ref abandoned, true);
                    return;
                }

                runTile(job, tile, worker);
            }
        }
#pragma warning disable CA1031 // Whatever a tile throws belongs to the caller of Run; on this thread it would end the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref failure, exception, null);
            Volatile.Write(ref abandoned, true);
        }
    }

    // The two contended words, on cache lines of their own: workers that poll the state must not slow the tile claims.
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        [FieldOffset(128)]
        public long State;

        [FieldOffset(256)]
        public int NextTile;
    }
}
