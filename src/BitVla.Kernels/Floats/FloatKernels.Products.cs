using System.Runtime.CompilerServices;
using BitVla.Kernels.Dense;

namespace BitVla.Kernels.Floats;

internal sealed unsafe partial class FloatKernels<TLanes>
{
    // Steps of K between visits of the accumulators: 256 rows of a bf16 panel are 8 KB (16 KB in float32), of six activation
    // rows 6 KB, so that both stay in L1 while all tokens of a tile pass. Accumulators are saved exactly; the order over K is kept.
    private const int DepthBlock = 256;

    /// <summary>How a panel's sixteen neighbouring outputs are stored.</summary>
    private interface IPanel
    {
        /// <summary>Sixteen values at an address.</summary>
        static abstract TLanes Load(byte* source);
    }

    /// <summary>Rows of a register tile, as a constant of its own instantiation.</summary>
    private interface IRowCount
    {
        /// <summary>1 … 6.</summary>
        static abstract int Count { get; }
    }

    /// <inheritdoc/>
    public void Dense(in DenseTask task, int tile, float* scratch)
    {
        int panelCount = task.Weights.PanelCount;
        int firstToken = tile / panelCount * DenseTask.TileTokens;
        int tokens = Math.Min(DenseTask.TileTokens, task.M - firstToken);
        int firstOutput = tile % panelCount * Lanes;
        int k = task.Weights.K;
        byte* panel = (byte*)(task.Weights.Panels + ((nint)firstOutput * k));
        float* x = task.X + (firstToken * task.XStride);
        PanelProduct<BrainPanel>(x, task.XStride, tokens, panel, Lanes * sizeof(ushort), k, scratch);

        int outputs = Math.Min(Lanes, task.Weights.N - firstOutput);
        float* y = task.Y + (firstToken * task.YStride) + firstOutput;
        for (int token = 0; token < tokens; token++, y += task.YStride)
        {
            TLanes r = TLanes.Load(scratch + (token * Lanes));
            r = task.Bias is null ? r : TLanes.Add(r, LoadAt(task.Bias + firstOutput, 0, outputs, 0f));
            r = task.Mode == OutputMode.Add ? TLanes.Add(LoadAt(y, 0, outputs, 0f), r) : r;
            StoreAt(r, y, 0, outputs);
        }
    }

    // c [rows, 16] = a [rows, depth] · panel [depth, 16], in blocks of depth.
    private static void PanelProduct<TPanel>(float* a, nint aStride, int rows, byte* panel, nint panelStride, int depth, float* c)
        where TPanel : struct, IPanel
    {
        for (int start = 0; start < depth; start += DepthBlock)
        {
            int length = Math.Min(DepthBlock, depth - start);
            PanelBlock<TPanel>(a + start, aStride, rows, panel + (start * panelStride), panelStride, length, c, Lanes, start == 0);
        }
    }

    // Cuts rows into register tiles of nearly equal height: 8 is 4 + 4, not 6 + 2, since a low tile waits for its own sums.
    private static void PanelBlock<TPanel>(
        float* a, nint aStride, int rows, byte* panel, nint panelStride, int depth, float* c, nint cStride, bool fromZero)
        where TPanel : struct, IPanel
    {
        const int MaxRows = 6;
        for (int groups = (rows + MaxRows - 1) / MaxRows; groups > 0; groups--)
        {
            int count = (rows + groups - 1) / groups;
            switch (count)
            {
                case 1:
                    RegisterTile<TPanel, One>(a, aStride, panel, panelStride, depth, c, cStride, fromZero);
                    break;
                case 2:
                    RegisterTile<TPanel, Two>(a, aStride, panel, panelStride, depth, c, cStride, fromZero);
                    break;
                case 3:
                    RegisterTile<TPanel, Three>(a, aStride, panel, panelStride, depth, c, cStride, fromZero);
                    break;
                case 4:
                    RegisterTile<TPanel, Four>(a, aStride, panel, panelStride, depth, c, cStride, fromZero);
                    break;
                case 5:
                    RegisterTile<TPanel, Five>(a, aStride, panel, panelStride, depth, c, cStride, fromZero);
                    break;
                default:
                    RegisterTile<TPanel, Six>(a, aStride, panel, panelStride, depth, c, cStride, fromZero);
                    break;
            }

            rows -= count;
            a += count * aStride;
            c += count * cStride;
        }
    }

    // Up to 6 rows × 16 outputs: 12 of the 16 AVX2 registers (24 of 32 on NEON) hold sums, the rest one panel row and one
    // broadcast. The counts are constants of each instantiation, so the tests on them leave no code.
    private static void RegisterTile<TPanel, TRows>(
        float* a, nint aStride, byte* panel, nint panelStride, nint depth, float* c, nint cStride, bool fromZero)
        where TPanel : struct, IPanel
        where TRows : struct, IRowCount
    {
        TLanes s0 = TLanes.Zero;
        TLanes s1 = TLanes.Zero;
        TLanes s2 = TLanes.Zero;
        TLanes s3 = TLanes.Zero;
        TLanes s4 = TLanes.Zero;
        TLanes s5 = TLanes.Zero;
        if (!fromZero)
        {
            s0 = TLanes.Load(c);
            s1 = TRows.Count > 1 ? TLanes.Load(c + cStride) : s1;
            s2 = TRows.Count > 2 ? TLanes.Load(c + (2 * cStride)) : s2;
            s3 = TRows.Count > 3 ? TLanes.Load(c + (3 * cStride)) : s3;
            s4 = TRows.Count > 4 ? TLanes.Load(c + (4 * cStride)) : s4;
            s5 = TRows.Count > 5 ? TLanes.Load(c + (5 * cStride)) : s5;
        }

        float* a0 = a;
        float* a1 = a + aStride;
        float* a2 = a1 + aStride;
        float* a3 = a2 + aStride;
        float* a4 = a3 + aStride;
        float* a5 = a4 + aStride;
        for (nint i = 0; i < depth; i++, panel += panelStride)
        {
            TLanes w = TPanel.Load(panel);
            s0 = TLanes.Fma(TLanes.Broadcast(a0[i]), w, s0);
            if (TRows.Count > 1)
            {
                s1 = TLanes.Fma(TLanes.Broadcast(a1[i]), w, s1);
            }

            if (TRows.Count > 2)
            {
                s2 = TLanes.Fma(TLanes.Broadcast(a2[i]), w, s2);
            }

            if (TRows.Count > 3)
            {
                s3 = TLanes.Fma(TLanes.Broadcast(a3[i]), w, s3);
            }

            if (TRows.Count > 4)
            {
                s4 = TLanes.Fma(TLanes.Broadcast(a4[i]), w, s4);
            }

            if (TRows.Count > 5)
            {
                s5 = TLanes.Fma(TLanes.Broadcast(a5[i]), w, s5);
            }
        }

        TLanes.Store(s0, c);
        if (TRows.Count > 1)
        {
            TLanes.Store(s1, c + cStride);
        }

        if (TRows.Count > 2)
        {
            TLanes.Store(s2, c + (2 * cStride));
        }

        if (TRows.Count > 3)
        {
            TLanes.Store(s3, c + (3 * cStride));
        }

        if (TRows.Count > 4)
        {
            TLanes.Store(s4, c + (4 * cStride));
        }

        if (TRows.Count > 5)
        {
            TLanes.Store(s5, c + (5 * cStride));
        }
    }

    private readonly struct BrainPanel : IPanel
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes Load(byte* source) => TLanes.LoadBrain((ushort*)source);
    }

    private readonly struct FloatPanel : IPanel
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TLanes Load(byte* source) => TLanes.Load((float*)source);
    }

    private readonly struct One : IRowCount
    {
        public static int Count => 1;
    }

    private readonly struct Two : IRowCount
    {
        public static int Count => 2;
    }

    private readonly struct Three : IRowCount
    {
        public static int Count => 3;
    }

    private readonly struct Four : IRowCount
    {
        public static int Count => 4;
    }

    private readonly struct Five : IRowCount
    {
        public static int Count => 5;
    }

    private readonly struct Six : IRowCount
    {
        public static int Count => 6;
    }
}
