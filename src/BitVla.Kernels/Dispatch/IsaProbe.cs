using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace BitVla.Kernels.Dispatch;

/// <summary>Facts about this processor and this binary; the only place that asks.</summary>
/// <remarks>
/// The properties are inlined so that both compilers see the constant behind them: where an instruction set is decided at
/// compile time the other path leaves the binary, and where it is not the test is one load of a flag word.
/// </remarks>
public static class IsaProbe
{
    /// <summary>AVX2 and fused multiply-add. A native x64 binary has them only when its profile compiled them in.</summary>
    public static bool Avx2
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported;
    }

    /// <summary>Advanced SIMD: every 64-bit ARM processor.</summary>
    public static bool Neon
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AdvSimd.Arm64.IsSupported;
    }

    /// <summary>The signed dot product (Cortex-A55, A76 and later; not the Cortex-A53 and A72).</summary>
    public static bool NeonDot
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => AdvSimd.Arm64.IsSupported && Dp.IsSupported;
    }
}
