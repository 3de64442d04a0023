using BitVla.Kernels.Dense;
using BitVla.Kernels.Floats;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>y = x · Wᵀ + b with bf16 weights widened exactly and float32 activations.</summary>
    /// <remarks>
    /// Shape: x [M, K] at <paramref name="xStride"/>, w [N, K], bias [N] or null, y [M, N] at <paramref name="yStride"/>.
    /// Numerics: one accumulator per output from zero, sequential over K by fused multiply-add; then fl(acc + bias); then mode.
    /// </remarks>
    public void Dense(in DenseMatrix w, float* x, nint xStride, int m, float* bias, float* y, nint yStride, OutputMode mode, CancellationToken cancellation)
    {
        if (m <= 0)
        {
            return;
        }

        var task = new DenseTask
        {
            Weights = w, X = x, XStride = xStride, M = m, Bias = bias, Y = y, YStride = yStride, Mode = mode,
        };
        var job = new DenseJob { Owner = this, Task = task };
        pool.Run(ref job, task.Tiles, cancellation);
    }
}
