namespace BitVla.Kernels.Ternary;

/// <summary>A technique for the exact product of ternary weights and signed bytes.</summary>
/// <remarks>
/// M tokens, N rows of weights, K channels. A kernel is called once per tile, never per row; it holds no state, so any number
/// of workers may use one instance.
/// Shapes: any M, N ≥ 1 and any K up to <see cref="TernaryMatrix.MaxChannels"/>; none needs to be a multiple of anything.
/// Alignment: 64 bytes for the codes, row 0 of the levels, the sums and the scratch; rows of levels lie a multiple of 64
/// bytes apart and are zero past K, so whole 32-channel blocks of them may be read. Nothing outside the matrices may be read.
/// Exactness: the int32 sums of all kernels are equal. |level| ≤ 127 holds by construction of the absmax quantiser.
/// </remarks>
internal unsafe interface ITernaryKernel
{
    /// <summary>Tile sizes that suit the technique.</summary>
    TernaryTileLimits Limits { get; }

    /// <summary>Bytes of scratch a worker needs for a product with this many channels.</summary>
    nint ScratchBytes(int channels);

    /// <summary>Computes one tile of sums = x · wᵀ.</summary>
    /// <param name="w">The weights.</param>
    /// <param name="x">The activations.</param>
    /// <param name="tile">Which tokens and rows.</param>
    /// <param name="sums">
    /// [tile.Tokens, <paramref name="sumsStride"/>]; the first tile.Rows of each are the result, the rest may be overwritten.
    /// </param>
    /// <param name="sumsStride">A multiple of the row step, at least tile.Rows.</param>
    /// <param name="scratch">This worker's scratch, 64-byte aligned.</param>
    void Multiply(in TernaryMatrix w, in QuantizedActivations x, in TernaryTile tile, int* sums, nint sumsStride, byte* scratch);
}
