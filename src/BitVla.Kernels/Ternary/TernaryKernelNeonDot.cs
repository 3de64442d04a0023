using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace BitVla.Kernels.Ternary;

/// <summary>ARM dot product: 8 rows × 12 tokens of int32 accumulators, SDOT in its by-element form.</summary>
/// <remarks>
/// The by-element form multiplies four rows of four channels with four channels of one token, which lie together in the
/// row-major levels: no other layout of the activations, no copy of them.
/// <para>
/// No overflow: SDOT adds four products in int32, and |Σ| ≤ 127 · 65536 over all channels of a <see cref="TernaryMatrix"/>.
/// </para>
/// <para>
/// Memory: a group of 12 tokens (30 KB at K = 2560) stays in L1 while the strips of a panel group pass over it from L2, so
/// the activations come from memory once per panel group, not once per strip.
/// </para>
/// </remarks>
internal sealed unsafe class TernaryKernelNeonDot : ITernaryKernel
{
    // 24 accumulators, 4 weight vectors, and eight channels of two tokens: 30 of the 32 registers.
    private const int StripRows = 8;
    private const int TileTokens = 12;
    private const int TokenGroup = 4;

    // Unpacked rows of one group: a part of the 512 KB L2 of a Cortex-A76, which also holds the tokens in flight.
    private const int PanelGroupBytes = 192 * 1024;

    private readonly uint[] table = TernaryCodes.DecodeTable(offset: -1);

    /// <summary>64 rows are one panel group at K = 2560; 256 million multiply-adds take a Cortex-A55 an estimated 15 ms.</summary>
    public TernaryTileLimits Limits { get; } = new(Tokens: 660, Rows: 64, TokenStep: TileTokens, RowStep: StripRows, Macs: 256_000_000);

    private interface ITokenGroups
    {
        static abstract int Count { get; }
    }

    /// <summary>One panel group.</summary>
    public nint ScratchBytes(int channels) => Math.Max(PanelGroupBytes, StripBytes(channels));

    /// <inheritdoc/>
    public void Multiply(in TernaryMatrix w, in QuantizedActivations x, in TernaryTile tile, int* sums, nint sumsStride, byte* scratch)
    {
        nint stripBytes = StripBytes(w.K);
        int groupRows = Math.Max(1, (int)(PanelGroupBytes / stripBytes)) * StripRows;
        sbyte* levels = x.Levels + ((nint)tile.Token0 * x.Stride);
        for (int row0 = 0; row0 < tile.Rows; row0 += groupRows)
        {
            int row1 = Math.Min(row0 + groupRows, tile.Rows);
            byte* panel = scratch;
            for (int row = row0; row < row1; row += StripRows, panel += stripBytes)
            {
                TernaryCodes.UnpackStrip(w, tile.Row0 + row, Math.Min(StripRows, row1 - row), StripRows, 0, w.Blocks, table, panel);
            }

            SweepTokens((sbyte*)scratch, stripBytes, row1 - row0, levels, x.Stride, tile.Tokens, sums + row0, sumsStride);
        }
    }

    private static nint StripBytes(int channels) =>
        (nint)(channels + TernaryMatrix.BlockChannels - 1) / TernaryMatrix.BlockChannels * TernaryMatrix.BlockChannels * StripRows;

    private static void SweepTokens(
        sbyte* panels, nint stripBytes, int rows, sbyte* levels, nint stride, int tokens, int* sums, nint sumsStride)
    {
        for (int token = 0; token < tokens; token += TileTokens)
        {
            // The last tile takes as many groups of four as it needs. Tokens a group lacks repeat its last one, so at most
            // three tokens are computed for nothing and none is read that does not exist.
            int left = Math.Min(TileTokens, tokens - token);
            sbyte* panel = panels;
            for (int row = 0; row < rows; row += StripRows, panel += stripBytes)
            {
                sbyte* first = levels + (token * stride);
                int* target = sums + (token * sumsStride) + row;
                if (left > 2 * TokenGroup)
                {
                    MultiplyTile<Three>(panel, stripBytes, first, stride, left - 1, target, sumsStride);
                }
                else if (left > TokenGroup)
                {
                    MultiplyTile<Two>(panel, stripBytes, first, stride, left - 1, target, sumsStride);
                }
                else
                {
                    MultiplyTile<One>(panel, stripBytes, first, stride, left - 1, target, sumsStride);
                }
            }
        }
    }

    /// <summary>sums = weights · levels for one strip over all channels and up to twelve tokens; unused groups of four fold away.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MultiplyTile<TGroups>(
        sbyte* panel, nint stripBytes, sbyte* levels, nint stride, int last, int* sums, nint sumsStride)
        where TGroups : struct, ITokenGroups
    {
        Vector128<int> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        Vector128<int> c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        Vector128<int> c60 = default, c61 = default, c70 = default, c71 = default, c80 = default, c81 = default;
        Vector128<int> c90 = default, c91 = default, ca0 = default, ca1 = default, cb0 = default, cb1 = default;

        // A pointer per token and one common offset: twelve loads without address arithmetic.
        sbyte* t0 = levels, t1 = Row(levels, stride, 1, last), t2 = Row(levels, stride, 2, last), t3 = Row(levels, stride, 3, last);
        sbyte* t4 = Row(levels, stride, 4, last), t5 = Row(levels, stride, 5, last), t6 = Row(levels, stride, 6, last);
        sbyte* t7 = Row(levels, stride, 7, last), t8 = Row(levels, stride, 8, last), t9 = Row(levels, stride, 9, last);
        sbyte* ta = Row(levels, stride, 10, last), tb = Row(levels, stride, 11, last);

        // Eight channels a step: rows 0-3 and 4-7 of channels 0-3, then of channels 4-7. Tokens are loaded in pairs, so that an in-order
        // core (Cortex-A55) does not wait for each one. 66 instructions hold 48 SDOT, 768 multiply-adds.
        nint k = 0;
        for (sbyte* end = panel + stripBytes; panel < end; panel += 64, k += 8)
        {
            Vector128<sbyte> w00 = Vector128.Load(panel);
            Vector128<sbyte> w01 = Vector128.Load(panel + 16);
            Vector128<sbyte> w10 = Vector128.Load(panel + 32);
            Vector128<sbyte> w11 = Vector128.Load(panel + 48);

            Vector64<sbyte> v = Vector64.Load(t0 + k);
            Vector64<sbyte> u = Vector64.Load(t1 + k);
            c00 = Dot(c00, w00, w10, v);
            c01 = Dot(c01, w01, w11, v);
            c10 = Dot(c10, w00, w10, u);
            c11 = Dot(c11, w01, w11, u);
            v = Vector64.Load(t2 + k);
            u = Vector64.Load(t3 + k);
            c20 = Dot(c20, w00, w10, v);
            c21 = Dot(c21, w01, w11, v);
            c30 = Dot(c30, w00, w10, u);
            c31 = Dot(c31, w01, w11, u);
            if (TGroups.Count > 1)
            {
                v = Vector64.Load(t4 + k);
                u = Vector64.Load(t5 + k);
                c40 = Dot(c40, w00, w10, v);
                c41 = Dot(c41, w01, w11, v);
                c50 = Dot(c50, w00, w10, u);
                c51 = Dot(c51, w01, w11, u);
                v = Vector64.Load(t6 + k);
                u = Vector64.Load(t7 + k);
                c60 = Dot(c60, w00, w10, v);
                c61 = Dot(c61, w01, w11, v);
                c70 = Dot(c70, w00, w10, u);
                c71 = Dot(c71, w01, w11, u);
            }

            if (TGroups.Count > 2)
            {
                v = Vector64.Load(t8 + k);
                u = Vector64.Load(t9 + k);
                c80 = Dot(c80, w00, w10, v);
                c81 = Dot(c81, w01, w11, v);
                c90 = Dot(c90, w00, w10, u);
                c91 = Dot(c91, w01, w11, u);
                v = Vector64.Load(ta + k);
                u = Vector64.Load(tb + k);
                ca0 = Dot(ca0, w00, w10, v);
                ca1 = Dot(ca1, w01, w11, v);
                cb0 = Dot(cb0, w00, w10, u);
                cb1 = Dot(cb1, w01, w11, u);
            }
        }

        Store(sums, c00, c01);
        Store(Row(sums, sumsStride, 1, last), c10, c11);
        Store(Row(sums, sumsStride, 2, last), c20, c21);
        Store(Row(sums, sumsStride, 3, last), c30, c31);
        if (TGroups.Count > 1)
        {
            Store(Row(sums, sumsStride, 4, last), c40, c41);
            Store(Row(sums, sumsStride, 5, last), c50, c51);
            Store(Row(sums, sumsStride, 6, last), c60, c61);
            Store(Row(sums, sumsStride, 7, last), c70, c71);
        }

        if (TGroups.Count > 2)
        {
            Store(Row(sums, sumsStride, 8, last), c80, c81);
            Store(Row(sums, sumsStride, 9, last), c90, c91);
            Store(Row(sums, sumsStride, 10, last), ca0, ca1);
            Store(Row(sums, sumsStride, 11, last), cb0, cb1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* Row<T>(T* row0, nint stride, int row, int last)
        where T : unmanaged => row0 + (Math.Min(row, last) * stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(
        Vector128<int> sum, Vector128<sbyte> channels0To3, Vector128<sbyte> channels4To7, Vector64<sbyte> levels) =>
        Dp.DotProductBySelectedQuadruplet(Dp.DotProductBySelectedQuadruplet(sum, channels0To3, levels, 0), channels4To7, levels, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(int* sums, Vector128<int> rows0To3, Vector128<int> rows4To7)
    {
        rows0To3.Store(sums);
        rows4To7.Store(sums + 4);
    }

    private readonly struct One : ITokenGroups
    {
        public static int Count => 1;
    }

    private readonly struct Two : ITokenGroups
    {
        public static int Count => 2;
    }

    private readonly struct Three : ITokenGroups
    {
        public static int Count => 3;
    }
}
