using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BitVla.Kernels.Ternary;

/// <summary>AVX2 multiply-accumulate: weights as unsigned digits 0..2, vpmaddubsw and vpaddw in int16.</summary>
/// <remarks>
/// The weight is digit - 1, so Σ weight·level = Σ digit·level - Σ level; the row sum of the levels is subtracted once.
/// <para>
/// No overflow. vpmaddubsw adds two products of one digit (0..2) and one level (|level| ≤ 127): at most 2·2·127 = 508 in
/// magnitude, so its saturation is never reached. One int16 lane adds one such pair per step of four channels, and a chunk has
/// 256 channels, 64 steps: 64 · 508 = 32512 ≤ 32767. Then vpmaddwd by ones widens to int32. (Were a level -128, the lane
/// would reach -64 · 512 = -32768 and still fit.) In int32 Σ digit·level ≤ 2 · 127 · 65536 is far below 2³¹.
/// </para>
/// </remarks>
internal sealed unsafe class TernaryKernelAvx2Mac : ITernaryKernel
{
    // 16 rows × 6 tokens: 12 accumulators, 2 weight vectors, 1 broadcast and 1 product are the 16 registers of AVX2.
    private const int StripRows = 16;
    private const int TileTokens = 6;

    // 256 channels: the int16 bound above. A strip's panel is then 4 KB and stays in L1 while the tokens sweep over it.
    private const int ChunkChannels = 256;
    private const int ChunkBlocks = ChunkChannels / TernaryMatrix.BlockChannels;
    private const int StepBytes = StripRows * TernaryCodes.Digits;

    private readonly uint[] table = TernaryCodes.DecodeTable(offset: 0);

    /// <summary>
    /// 660 tokens by 64 rows of int32 sums are 169 KB, which a 256 KB L2 still holds; 256 million multiply-adds are 13 ms at
    /// 20 GMAC/s.
    /// </summary>
    /// <remarks>Zen 4, 3.65 GHz, one thread, the epilogue included: 137 to 146 GMAC/s at M = 628 and the model's shapes.</remarks>
    public TernaryTileLimits Limits { get; } = new(Tokens: 660, Rows: 64, TokenStep: TileTokens, RowStep: StripRows, Macs: 256_000_000);

    private interface ITokens
    {
        static abstract int Count { get; }
    }

    /// <summary>One panel.</summary>
    public nint ScratchBytes(int channels) => StripRows * ChunkChannels;

    /// <inheritdoc/>
    public void Multiply(in TernaryMatrix w, in QuantizedActivations x, in TernaryTile tile, int* sums, nint sumsStride, byte* scratch)
    {
        sbyte* levels = x.Levels + ((nint)tile.Token0 * x.Stride);
        int blocks = w.Blocks;
        StartFromRowSums(levels, x.Stride, tile.Tokens, blocks, sums, sumsStride);
        for (int block0 = 0; block0 < blocks; block0 += ChunkBlocks)
        {
            int block1 = Math.Min(block0 + ChunkBlocks, blocks);
            nint steps = (block1 - block0) * (TernaryMatrix.BlockChannels / TernaryCodes.Digits);
            for (int row = 0; row < tile.Rows; row += StripRows)
            {
                int rows = Math.Min(StripRows, tile.Rows - row);
                TernaryCodes.UnpackStrip(w, tile.Row0 + row, rows, StripRows, block0, block1, table, scratch);
                sbyte* chunk = levels + (block0 * TernaryMatrix.BlockChannels);
                SweepTokens(scratch, steps, chunk, x.Stride, tile.Tokens, sums + row, sumsStride);
            }
        }
    }

    private static void SweepTokens(byte* panel, nint steps, sbyte* levels, nint stride, int tokens, int* sums, nint sumsStride)
    {
        int token = 0;
        for (; token + 6 <= tokens; token += 6)
        {
            MultiplyTile<Six>(panel, steps, levels + (token * stride), stride, sums + (token * sumsStride), sumsStride);
        }

        for (; token + 2 <= tokens; token += 2)
        {
            MultiplyTile<Two>(panel, steps, levels + (token * stride), stride, sums + (token * sumsStride), sumsStride);
        }

        if (token < tokens)
        {
            MultiplyTile<One>(panel, steps, levels + (token * stride), stride, sums + (token * sumsStride), sumsStride);
        }
    }

    /// <summary>sums += digits · levels for one strip, one chunk and up to six tokens; unused tokens fold away.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MultiplyTile<TTokens>(byte* panel, nint steps, sbyte* levels, nint stride, int* sums, nint sumsStride)
        where TTokens : struct, ITokens
    {
        Vector256<short> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        Vector256<short> c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;

        // Tokens 3..5 from a second pointer: x64 addresses reach base + 2·stride, not further.
        sbyte* later = levels + (3 * stride);
        for (byte* end = panel + (steps * StepBytes); panel < end; panel += StepBytes, levels += 4, later += 4)
        {
            Vector256<byte> w0 = Vector256.Load(panel);
            Vector256<byte> w1 = Vector256.Load(panel + 32);

            Vector256<sbyte> v = Broadcast(levels);
            c00 = MultiplyAdd(c00, w0, v);
            c01 = MultiplyAdd(c01, w1, v);
            if (TTokens.Count > 1)
            {
                v = Broadcast(levels + stride);
                c10 = MultiplyAdd(c10, w0, v);
                c11 = MultiplyAdd(c11, w1, v);
            }

            if (TTokens.Count > 2)
            {
                v = Broadcast(levels + (2 * stride));
                c20 = MultiplyAdd(c20, w0, v);
                c21 = MultiplyAdd(c21, w1, v);
                v = Broadcast(later);
                c30 = MultiplyAdd(c30, w0, v);
                c31 = MultiplyAdd(c31, w1, v);
                v = Broadcast(later + stride);
                c40 = MultiplyAdd(c40, w0, v);
                c41 = MultiplyAdd(c41, w1, v);
                v = Broadcast(later + (2 * stride));
                c50 = MultiplyAdd(c50, w0, v);
                c51 = MultiplyAdd(c51, w1, v);
            }
        }

        Flush(sums, c00, c01);
        if (TTokens.Count > 1)
        {
            Flush(sums + sumsStride, c10, c11);
        }

        if (TTokens.Count > 2)
        {
            Flush(sums + (2 * sumsStride), c20, c21);
            Flush(sums + (3 * sumsStride), c30, c31);
            Flush(sums + (4 * sumsStride), c40, c41);
            Flush(sums + (5 * sumsStride), c50, c51);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Broadcast(sbyte* fourChannels) => Vector256.Create(*(int*)fourChannels).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> MultiplyAdd(Vector256<short> sum, Vector256<byte> digits, Vector256<sbyte> levels) =>
        Avx2.Add(sum, Avx2.MultiplyAddAdjacent(digits, levels));

    // Neighbouring int16 lanes belong to one row (channels 0-1 and 2-3 of each four), so widening also completes the row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Flush(int* sums, Vector256<short> rows0To7, Vector256<short> rows8To15)
    {
        Vector256<short> ones = Vector256.Create((short)1);
        Avx2.Add(Avx2.MultiplyAddAdjacent(rows0To7, ones), Vector256.Load(sums)).Store(sums);
        Avx2.Add(Avx2.MultiplyAddAdjacent(rows8To15, ones), Vector256.Load(sums + 8)).Store(sums + 8);
    }

    /// <summary>Fills each token's sums with minus the sum of its levels.</summary>
    private static void StartFromRowSums(sbyte* levels, nint stride, int tokens, int blocks, int* sums, nint sumsStride)
    {
        Vector256<byte> ones = Vector256.Create((byte)1);
        Vector256<short> wideOnes = Vector256.Create((short)1);
        for (int token = 0; token < tokens; token++)
        {
            sbyte* row = levels + (token * stride);
            Vector256<int> total = default;
            for (int block = 0; block < blocks; block++)
            {
                Vector256<short> pairs = Avx2.MultiplyAddAdjacent(ones, Vector256.Load(row + (block * TernaryMatrix.BlockChannels)));
                total = Avx2.Add(total, Avx2.MultiplyAddAdjacent(pairs, wideOnes));
            }

            new Span<int>(sums + (token * sumsStride), (int)sumsStride).Fill(-Vector256.Sum(total));
        }
    }

    private readonly struct One : ITokens
    {
        public static int Count => 1;
    }

    private readonly struct Two : ITokens
    {
        public static int Count => 2;
    }

    private readonly struct Six : ITokens
    {
        public static int Count => 6;
    }
}
