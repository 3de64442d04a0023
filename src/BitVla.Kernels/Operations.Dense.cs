using BitVla.Kernels.Dense;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>y = x · Wᵀ + b with bf16 weights widened exactly and float32 activations.</summary>
    /// <remarks>
    /// Shape: x [M, K] at <paramref name="xStride"/>, w [N, K], bias [N] or null, y [M, N] at <paramref name="yStride"/>.
    /// Numerics: one accumulator per output from zero, sequential over K by fused multiply-add; then fl(acc + bias); then mode.
    /// </remarks>
    public void Dense(in DenseMatrix w, float* x, nint xStride, int m, float* bias, float* y, nint yStride, OutputMode mode, CancellationToken cancellation) =>
        throw new NotImplementedException();
}
