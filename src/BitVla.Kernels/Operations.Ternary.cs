using BitVla.Kernels.Ternary;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>y = x̂ · Ŵᵀ + b with exact int32 sums.</summary>
    /// <remarks>
    /// Shape: x [M, K] levels, w [N, K], bias [N] or null (zero), y [M, N] at <paramref name="yStride"/>.
    /// Numerics: r = fma(float(sum), fl(gain / t), bias), then <paramref name="mode"/>.
    /// Source: BitLinear.forward, modeling_bitnet.py.
    /// </remarks>
    public void BitLinear(in TernaryMatrix w, in QuantizedActivations x, float* bias, float* y, nint yStride, OutputMode mode, CancellationToken cancellation) =>
        throw new NotImplementedException();
}
