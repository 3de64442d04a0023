using System.Diagnostics.CodeAnalysis;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.Ternary;
using BitVla.Kernels.Threading;

namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>y = x̂ · Ŵᵀ + b with exact int32 sums.</summary>
    /// <remarks>
    /// Shape: x [M, K] levels, w [N, K], bias [N] or null (zero), y [M, N] at <paramref name="yStride"/>.
    /// Numerics: r = fma(float(sum), fl(gain / t), bias), then <paramref name="mode"/>.
    /// Source: BitLinear.forward, modeling_bitnet.py.
    /// </remarks>
    /// <exception cref="ArgumentException">K differs between w and x, or exceeds <see cref="Limits"/>.</exception>
    public void BitLinear(
        in TernaryMatrix w, in QuantizedActivations x, float* bias, float* y, nint yStride, OutputMode mode, CancellationToken cancellation)
    {
        if (w.K != x.Columns || w.K > Limits.MaxColumns || yStride < w.N)
        {
            ThrowShape(w, x, yStride);
        }

        if (x.Rows == 0)
        {
            return;
        }

        var plan = new TernaryTilePlan(choice.Ternary.Limits, x.Rows, w.N, w.K, Threads);
        var job = new BitLinearJob(this, plan, w, x, bias, y, yStride, mode);
        pool.Run(ref job, plan.TileCount, cancellation);
    }

    /// <summary>Scratch of one worker: the kernel's own, then the sums of the largest tile.</summary>
    private static nint TernaryScratchBytes(ITernaryKernel kernel, int channels)
    {
        TernaryTileLimits limits = kernel.Limits;
        return TernarySumsOffset(kernel, channels) + ((nint)limits.Tokens * limits.Rows * sizeof(int));
    }

    private static nint TernarySumsOffset(ITernaryKernel kernel, int channels) => AlignUp(kernel.ScratchBytes(channels));

    [DoesNotReturn]
    private void ThrowShape(in TernaryMatrix w, in QuantizedActivations x, nint yStride) => throw new ArgumentException(
        $"BitLinear: weights [{w.N}, {w.K}], activations [{x.Rows}, {x.Columns}], output stride {yStride}, "
        + $"limit of {Limits.MaxColumns} channels.");

    private readonly struct BitLinearJob(
        Operations operations, TernaryTilePlan plan, TernaryMatrix w, QuantizedActivations x,
        float* bias, float* y, nint yStride, OutputMode mode)
        : ITileJob
    {
        private readonly float* bias = bias;
        private readonly float* y = y;

        public void RunTile(int tile, int worker)
        {
            ITernaryKernel kernel = operations.choice.Ternary;
            TernaryTile rectangle = plan[tile];
            byte* scratch = operations.WorkerScratch(worker);
            int* sums = (int*)(scratch + TernarySumsOffset(kernel, operations.Limits.MaxColumns));
            kernel.Multiply(w, x, rectangle, sums, plan.SumsStride, scratch);
            switch (operations.choice.FloatPath)
            {
                case FloatPath.Avx2:
                    TernaryEpilogue.Apply<Avx2Dequantizer>(w, x, rectangle, sums, plan.SumsStride, bias, y, yStride, mode);
                    break;
                case FloatPath.Neon:
                    TernaryEpilogue.Apply<NeonDequantizer>(w, x, rectangle, sums, plan.SumsStride, bias, y, yStride, mode);
                    break;
                default:
                    TernaryEpilogue.Apply<PortableDequantizer>(w, x, rectangle, sums, plan.SumsStride, bias, y, yStride, mode);
                    break;
            }
        }
    }
}
