namespace BitVla.Kernels.Dispatch;

/// <summary>Which vector lanes the float stages run on; every path gives the same bits.</summary>
public enum FloatPath
{
    /// <summary>Plain loops, no vector types: the definition of correct.</summary>
    Portable,

    /// <summary>256-bit lanes, AVX2 with fused multiply-add.</summary>
    Avx2,

    /// <summary>128-bit lanes, the Advanced SIMD of every 64-bit ARM processor.</summary>
    Neon,
}
