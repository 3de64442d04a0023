namespace BitVla.Kernels.Ternary;

/// <summary>Plain loops, no vector types: the definition of correct, which every other kernel is tested against.</summary>
/// <remarks>
/// sum[m, n] = Σ over k of weight[n, k] · level[m, k], weight = digit - 1.
/// No overflow: |sum| ≤ 127 · 65536 = 8323072, and a <see cref="TernaryMatrix"/> has at most 65536 channels.
/// </remarks>
internal sealed unsafe class TernaryKernelReference : ITernaryKernel
{
    /// <summary>Single tokens and rows; 4 million multiply-adds take a Cortex-A53 an estimated 20 ms.</summary>
    public TernaryTileLimits Limits { get; } = new(Tokens: 640, Rows: 64, TokenStep: 1, RowStep: 1, Macs: 4_000_000);

    /// <summary>One row of weights.</summary>
    public nint ScratchBytes(int channels) => channels;

    /// <inheritdoc/>
    public void Multiply(in TernaryMatrix w, in QuantizedActivations x, in TernaryTile tile, int* sums, nint sumsStride, byte* scratch)
    {
        sbyte* weights = (sbyte*)scratch;
        for (int row = 0; row < tile.Rows; row++)
        {
            DecodeRow(w, tile.Row0 + row, weights);
            for (int token = 0; token < tile.Tokens; token++)
            {
                sbyte* levels = x.Levels + ((nint)(tile.Token0 + token) * x.Stride);
                int sum = 0;
                for (int k = 0; k < w.K; k++)
                {
                    sum += weights[k] * levels[k];
                }

                sums[(token * sumsStride) + row] = sum;
            }
        }
    }

    private static void DecodeRow(in TernaryMatrix w, int row, sbyte* weights)
    {
        for (int k = 0; k < w.K; k++)
        {
            int block = k / TernaryMatrix.BlockChannels;
            int channel = k % TernaryMatrix.BlockChannels;
            byte* codes = w.Codes + ((((nint)block * w.N) + row) * TernaryMatrix.BlockRowBytes);
            weights[k] = (sbyte)(TernaryCodes.Digit(codes[channel / TernaryCodes.Digits], channel % TernaryCodes.Digits) - 1);
        }
    }
}
