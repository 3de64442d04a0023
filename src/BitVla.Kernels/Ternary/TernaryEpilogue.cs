using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace BitVla.Kernels.Ternary;

/// <summary>Turns a stretch of int32 sums of one token into floats; every implementation gives the same bits.</summary>
internal unsafe interface IDequantizer
{
    /// <summary>y = fma(float(sum), scale, bias), stored or added.</summary>
    /// <param name="sums">The sums.</param>
    /// <param name="scale">fl(gain / t).</param>
    /// <param name="bias">One value a sum, or null for zero.</param>
    /// <param name="y">The destination.</param>
    /// <param name="count">Number of sums.</param>
    /// <param name="mode">Store or add.</param>
    static abstract void Row(int* sums, float scale, float* bias, float* y, nint count, OutputMode mode);
}

/// <summary>The last step of a ternary product: from exact sums to floats.</summary>
/// <remarks>
/// Numerics: r = fma(float(sum), fl(gain / t), bias or 0); then y = r or y = fl(y + r).
/// float(sum) is exact: |sum| ≤ 127 · 65536 = 8323072 &lt; 2²⁴.
/// </remarks>
internal static unsafe class TernaryEpilogue
{
    /// <summary>Dequantises one tile of sums into y.</summary>
    public static void Apply<TDequantizer>(
        in TernaryMatrix w, in QuantizedActivations x, in TernaryTile tile, int* sums, nint sumsStride,
        float* bias, float* y, nint yStride, OutputMode mode)
        where TDequantizer : struct, IDequantizer
    {
        for (int token = 0; token < tile.Tokens; token++)
        {
            nint index = tile.Token0 + token;
            float t = x.Scale[index];
            int* rowSums = sums + (token * sumsStride);
            float* rowY = y + (index * yStride);
            int row = Segment<TDequantizer>(tile, tile.Row0, w.End0, w.Gain0 / t, rowSums, bias, rowY, mode);
            row = Segment<TDequantizer>(tile, row, w.End1, w.Gain1 / t, rowSums, bias, rowY, mode);
            Segment<TDequantizer>(tile, row, w.N, w.Gain2 / t, rowSums, bias, rowY, mode);
        }
    }

    /// <summary>The rows of the tile from <paramref name="row"/> to the end of a segment; returns the first row not done.</summary>
    private static int Segment<TDequantizer>(
        in TernaryTile tile, int row, int segmentEnd, float scale, int* sums, float* bias, float* y, OutputMode mode)
        where TDequantizer : struct, IDequantizer
    {
        int end = Math.Min(segmentEnd, tile.Row0 + tile.Rows);
        if (row >= end)
        {
            return row;
        }

        TDequantizer.Row(sums + (row - tile.Row0), scale, bias is null ? null : bias + row, y + row, end - row, mode);
        return end;
    }
}

/// <summary>Plain loop: the definition of correct, and the tail of the others.</summary>
internal readonly unsafe struct PortableDequantizer : IDequantizer
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row(int* sums, float scale, float* bias, float* y, nint count, OutputMode mode)
    {
        for (nint i = 0; i < count; i++)
        {
            float r = MathF.FusedMultiplyAdd(sums[i], scale, bias is null ? 0 : bias[i]);
            y[i] = mode == OutputMode.Add ? y[i] + r : r;
        }
    }
}

/// <summary>Eight lanes.</summary>
internal readonly unsafe struct Avx2Dequantizer : IDequantizer
{
    /// <inheritdoc/>
    public static void Row(int* sums, float scale, float* bias, float* y, nint count, OutputMode mode)
    {
        Vector256<float> scales = Vector256.Create(scale);
        nint i = 0;
        for (; i + 8 <= count; i += 8)
        {
            Vector256<float> offset = bias is null ? Vector256<float>.Zero : Vector256.Load(bias + i);
            Vector256<float> r = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Vector256.Load(sums + i)), scales, offset);
            (mode == OutputMode.Add ? Avx.Add(Vector256.Load(y + i), r) : r).Store(y + i);
        }

        PortableDequantizer.Row(sums + i, scale, bias is null ? null : bias + i, y + i, count - i, mode);
    }
}

/// <summary>Four lanes.</summary>
internal readonly unsafe struct NeonDequantizer : IDequantizer
{
    /// <inheritdoc/>
    public static void Row(int* sums, float scale, float* bias, float* y, nint count, OutputMode mode)
    {
        Vector128<float> scales = Vector128.Create(scale);
        nint i = 0;
        for (; i + 4 <= count; i += 4)
        {
            Vector128<float> offset = bias is null ? Vector128<float>.Zero : Vector128.Load(bias + i);
            Vector128<float> r = AdvSimd.FusedMultiplyAdd(offset, AdvSimd.ConvertToSingle(Vector128.Load(sums + i)), scales);
            (mode == OutputMode.Add ? AdvSimd.Add(Vector128.Load(y + i), r) : r).Store(y + i);
        }

        PortableDequantizer.Row(sums + i, scale, bias is null ? null : bias + i, y + i, count - i, mode);
    }
}
