using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using BitVla.Kernels.Dense;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.Floats;
using BitVla.Kernels.Threading;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    private const int CacheLine = 64;
    private const int FloatsPerLine = CacheLine / sizeof(float);

    // A row tile of about this many elements lasts 10 to 50 µs: long beside the hand-out, short beside a deadline.
    private const int RowTileElements = 16384;

    private IFloatKernels floats = null!;
    private float* floatScratch;
    private nint floatScratchStride;
    private float* keyPanels;
    private nint keyPanelCapacity;
    private float* valuePanels;
    private nint valuePanelCapacity;

    private void InitializeFloats()
    {
        floats = choice.FloatPath switch
        {
            FloatPath.Avx2 => new FloatKernels<Lanes16Avx2>(),
            FloatPath.Neon => new FloatKernels<Lanes16Neon>(),
            _ => new FloatKernels<Lanes16Portable>(),
        };

        nint row = AttentionTask.Pad(Limits.MaxColumns);
        nint denseTile = DenseTask.TileTokens * DenseMatrix.PanelOutputs;
        nint largest = Math.Max(Math.Max(row, denseTile), AttentionTask.StripScratch(Limits.MaxKeys));

        // One line more, so that neighbouring workers never share one, even by prefetch of the next.
        floatScratchStride = ((largest + FloatsPerLine - 1) / FloatsPerLine * FloatsPerLine) + FloatsPerLine;
        floatScratch = AllocateFloats(floatScratchStride * Threads);

        // A ragged last value panel is read sixteen wide, hence one line of slack at the end.
        keyPanelCapacity = (nint)Limits.MaxKeyFeatures * AttentionTask.Pad(Limits.MaxKeys);
        valuePanelCapacity = (nint)Limits.MaxKeyFeatures * Limits.MaxKeys;
        keyPanels = AllocateFloats(keyPanelCapacity);
        valuePanels = AllocateFloats(valuePanelCapacity + FloatsPerLine);
    }

    private void DisposeFloats()
    {
        NativeMemory.AlignedFree(floatScratch);
        NativeMemory.AlignedFree(keyPanels);
        NativeMemory.AlignedFree(valuePanels);
        floatScratch = null;
        keyPanels = null;
        valuePanels = null;
    }

    private static float* AllocateFloats(nint count)
    {
        nuint bytes = (nuint)Math.Max(count, FloatsPerLine) * sizeof(float);
        void* memory = NativeMemory.AlignedAlloc(bytes, CacheLine);
        NativeMemory.Clear(memory, bytes);
        return (float*)memory;
    }

    private void RunRows(in RowTask task, int rows, CancellationToken cancellation)
    {
        if (rows <= 0 || task.Columns <= 0)
        {
            return;
        }

        if (task.Columns > Limits.MaxColumns)
        {
            ThrowBeyondLimits("columns", task.Columns, Limits.MaxColumns);
        }

        int perTile = RowsPerTile(task.Columns);
        var job = new RowsJob { Owner = this, Task = task, Rows = rows, RowsPerTile = perTile };
        pool.Run(ref job, (rows + perTile - 1) / perTile, cancellation);
    }

    private static int RowsPerTile(int columns) => Math.Max(1, RowTileElements / columns);

    private float* FloatScratch(int worker) => floatScratch + (worker * floatScratchStride);

    [DoesNotReturn]
    private static void ThrowBeyondLimits(string what, long asked, long limit) =>
        throw new ArgumentException($"The operation has {asked} {what}; scratch was made for {limit}.");

    private struct RowsJob : ITileJob
    {
        public Operations Owner;
        public RowTask Task;
        public int Rows;
        public int RowsPerTile;

        public readonly void RunTile(int tile, int worker)
        {
            int first = tile * RowsPerTile;
            Owner.floats.Rows(Task, first, Math.Min(first + RowsPerTile, Rows), Owner.FloatScratch(worker));
        }
    }

    private struct RopeJob : ITileJob
    {
        public Operations Owner;
        public RopeTask Task;
        public int Rows;
        public int RowsPerTile;

        public readonly void RunTile(int tile, int worker)
        {
            int first = tile * RowsPerTile;
            Owner.floats.Rope(Task, first, Math.Min(first + RowsPerTile, Rows));
        }
    }

    private struct DenseJob : ITileJob
    {
        public Operations Owner;
        public DenseTask Task;

        public readonly void RunTile(int tile, int worker) => Owner.floats.Dense(Task, tile, Owner.FloatScratch(worker));
    }

    private struct PackJob : ITileJob
    {
        public Operations Owner;
        public AttentionTask Task;

        public readonly void RunTile(int tile, int worker) => Owner.floats.PackKeysAndValues(Task, tile);
    }

    private struct StripJob : ITileJob
    {
        public Operations Owner;
        public AttentionTask Task;

        public readonly void RunTile(int tile, int worker) => Owner.floats.AttendStrip(Task, tile, Owner.FloatScratch(worker));
    }
}
