namespace BitVla.Kernels;

public sealed unsafe partial class Operations
{
    /// <summary>Bidirectional grouped-query attention, row-complete two-pass softmax.</summary>
    /// <remarks>
    /// Shape: q [batches·queries, heads·headDim], k and v [batches·keys, kvHeads·headDim], y [batches·queries, heads·headDim], each
    /// at its stride. Query head j reads KV head j / (heads / kvHeads). Batches (camera images) do not see each other.
    /// Numerics: score = fl(scale · (q·k sequential over headDim by fma from zero)); p = exp(score - max); sum of p over 16 virtual
    /// lanes; p·v sequential over keys by fma from zero; division by the sum last.
    /// </remarks>
    public void Attention(
        float* q, nint qStride, float* k, nint kStride, float* v, nint vStride,
        int batches, int queries, int keys, int heads, int kvHeads, int headDim, float scale,
        float* y, nint yStride, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Rotary position embedding in place, half-split convention; row i of x has position <paramref name="firstPosition"/> + i.</summary>
    /// <remarks>
    /// Shape: x [M, heads·headDim] at its stride; cos and sin [positions, headDim/2].
    /// Numerics: u1' = fma(u1, c, -(u2·s) rounded once), u2' = fma(u2, c, fl(u1·s)).
    /// </remarks>
    public void Rope(float* x, nint xStride, int m, int firstPosition, int heads, int headDim, float* cos, float* sin, CancellationToken cancellation) =>
        throw new NotImplementedException();
}
