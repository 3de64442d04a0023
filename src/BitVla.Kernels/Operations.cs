using System.Runtime.InteropServices;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.Threading;

namespace BitVla.Kernels;

/// <summary>The arithmetic of the model: each method is one operation over all rows, on the chosen kernels and all workers.</summary>
/// <remarks>
/// Nothing here allocates after construction. Matrices are row-major float32 with a stride in elements; every pointer is
/// 64-byte aligned at row 0. Each method returns when its result is complete, or throws when the token is cancelled.
/// </remarks>
public sealed unsafe partial class Operations : IDisposable
{
    private const int Alignment = 64;

    private readonly KernelChoice choice;
    private readonly WorkerPool pool;
    private readonly nint workerScratchBytes;
    private byte* workerScratch;

    /// <summary>Creates the operations for a kernel and a thread count, with scratch for the largest operation named.</summary>
    public Operations(KernelChoice choice, int threads, OperationLimits limits)
    {
        this.choice = choice;
        pool = new WorkerPool(threads);
        Limits = limits;

        // Cleared, which also touches every page: the first pass shall not be slower than the others by page faults.
        workerScratchBytes = AlignUp(TernaryScratchBytes(choice.Ternary, limits.MaxColumns));
        nuint bytes = (nuint)(workerScratchBytes * threads);
        workerScratch = (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
        NativeMemory.Clear(workerScratch, bytes);
        InitializeFloats();
    }

    /// <summary>The kernel in use and why.</summary>
    public KernelChoice Choice => choice;

    /// <summary>Workers, the caller included.</summary>
    public int Threads => pool.Threads;

    /// <summary>The sizes the scratch was made for.</summary>
    public OperationLimits Limits { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        pool.Dispose();
        DisposeFloats();
        NativeMemory.AlignedFree(workerScratch);
        workerScratch = null;
    }

    private static nint AlignUp(nint bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Memory that belongs to one worker for the length of a tile.</summary>
    private byte* WorkerScratch(int worker) => workerScratch + (worker * workerScratchBytes);
}
