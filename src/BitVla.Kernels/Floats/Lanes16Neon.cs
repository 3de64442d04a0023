using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace BitVla.Kernels.Floats;

/// <summary>Sixteen lanes in four 128-bit registers; Advanced SIMD, which every 64-bit ARM processor has.</summary>
/// <remarks>
/// Numerics: maximum and minimum are a compare and a select, because the platform's own order signed zeros and NaN otherwise
/// than the definition does.
/// </remarks>
internal readonly unsafe struct Lanes16Neon : ILanes16<Lanes16Neon>
{
    private readonly Vector128<float> v0;
    private readonly Vector128<float> v1;
    private readonly Vector128<float> v2;
    private readonly Vector128<float> v3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes16Neon(Vector128<float> v0, Vector128<float> v1, Vector128<float> v2, Vector128<float> v3)
    {
        this.v0 = v0;
        this.v1 = v1;
        this.v2 = v2;
        this.v3 = v3;
    }

    /// <inheritdoc/>
    public static Lanes16Neon Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Broadcast(float value)
    {
        Vector128<float> v = Vector128.Create(value);
        return new(v, v, v, v);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Load(float* source) => new(
        AdvSimd.LoadVector128(source),
        AdvSimd.LoadVector128(source + 4),
        AdvSimd.LoadVector128(source + 8),
        AdvSimd.LoadVector128(source + 12));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon LoadBrain(ushort* source)
    {
        Vector128<ushort> a = AdvSimd.LoadVector128(source);
        Vector128<ushort> b = AdvSimd.LoadVector128(source + 8);
        return new(
            AdvSimd.ShiftLeftLogical(AdvSimd.ZeroExtendWideningLower(a.GetLower()), 16).AsSingle(),
            AdvSimd.ShiftLeftLogical(AdvSimd.ZeroExtendWideningUpper(a), 16).AsSingle(),
            AdvSimd.ShiftLeftLogical(AdvSimd.ZeroExtendWideningLower(b.GetLower()), 16).AsSingle(),
            AdvSimd.ShiftLeftLogical(AdvSimd.ZeroExtendWideningUpper(b), 16).AsSingle());
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes16Neon value, float* destination)
    {
        AdvSimd.Store(destination, value.v0);
        AdvSimd.Store(destination + 4, value.v1);
        AdvSimd.Store(destination + 8, value.v2);
        AdvSimd.Store(destination + 12, value.v3);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lanes16Neon value, sbyte* destination)
    {
        Vector128<short> low = AdvSimd.ExtractNarrowingUpper(
            AdvSimd.ExtractNarrowingLower(AdvSimd.ConvertToInt32RoundToEven(value.v0)), AdvSimd.ConvertToInt32RoundToEven(value.v1));
        Vector128<short> high = AdvSimd.ExtractNarrowingUpper(
            AdvSimd.ExtractNarrowingLower(AdvSimd.ConvertToInt32RoundToEven(value.v2)), AdvSimd.ConvertToInt32RoundToEven(value.v3));
        AdvSimd.Store(destination, AdvSimd.ExtractNarrowingUpper(AdvSimd.ExtractNarrowingLower(low), high));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Add(Lanes16Neon a, Lanes16Neon b) =>
        new(
            AdvSimd.Add(a.v0, b.v0),
            AdvSimd.Add(a.v1, b.v1),
            AdvSimd.Add(a.v2, b.v2),
            AdvSimd.Add(a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Subtract(Lanes16Neon a, Lanes16Neon b) =>
        new(
            AdvSimd.Subtract(a.v0, b.v0),
            AdvSimd.Subtract(a.v1, b.v1),
            AdvSimd.Subtract(a.v2, b.v2),
            AdvSimd.Subtract(a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Multiply(Lanes16Neon a, Lanes16Neon b) =>
        new(
            AdvSimd.Multiply(a.v0, b.v0),
            AdvSimd.Multiply(a.v1, b.v1),
            AdvSimd.Multiply(a.v2, b.v2),
            AdvSimd.Multiply(a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Divide(Lanes16Neon a, Lanes16Neon b) =>
        new(
            AdvSimd.Arm64.Divide(a.v0, b.v0),
            AdvSimd.Arm64.Divide(a.v1, b.v1),
            AdvSimd.Arm64.Divide(a.v2, b.v2),
            AdvSimd.Arm64.Divide(a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Fma(Lanes16Neon a, Lanes16Neon b, Lanes16Neon c) =>
        new(
            AdvSimd.FusedMultiplyAdd(c.v0, a.v0, b.v0),
            AdvSimd.FusedMultiplyAdd(c.v1, a.v1, b.v1),
            AdvSimd.FusedMultiplyAdd(c.v2, a.v2, b.v2),
            AdvSimd.FusedMultiplyAdd(c.v3, a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon FmaNegated(Lanes16Neon a, Lanes16Neon b, Lanes16Neon c) =>
        new(
            AdvSimd.FusedMultiplySubtract(c.v0, a.v0, b.v0),
            AdvSimd.FusedMultiplySubtract(c.v1, a.v1, b.v1),
            AdvSimd.FusedMultiplySubtract(c.v2, a.v2, b.v2),
            AdvSimd.FusedMultiplySubtract(c.v3, a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Max(Lanes16Neon a, Lanes16Neon b) =>
        new(
            AdvSimd.BitwiseSelect(AdvSimd.CompareGreaterThan(a.v0, b.v0), a.v0, b.v0),
            AdvSimd.BitwiseSelect(AdvSimd.CompareGreaterThan(a.v1, b.v1), a.v1, b.v1),
            AdvSimd.BitwiseSelect(AdvSimd.CompareGreaterThan(a.v2, b.v2), a.v2, b.v2),
            AdvSimd.BitwiseSelect(AdvSimd.CompareGreaterThan(a.v3, b.v3), a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Min(Lanes16Neon a, Lanes16Neon b) =>
        new(
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v0, b.v0), a.v0, b.v0),
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v1, b.v1), a.v1, b.v1),
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v2, b.v2), a.v2, b.v2),
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v3, b.v3), a.v3, b.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Abs(Lanes16Neon value) =>
        new(
            AdvSimd.Abs(value.v0),
            AdvSimd.Abs(value.v1),
            AdvSimd.Abs(value.v2),
            AdvSimd.Abs(value.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon WithSign(Lanes16Neon magnitude, Lanes16Neon sign) =>
        new(
            AdvSimd.BitwiseSelect(Vector128.Create(-0f), sign.v0, magnitude.v0),
            AdvSimd.BitwiseSelect(Vector128.Create(-0f), sign.v1, magnitude.v1),
            AdvSimd.BitwiseSelect(Vector128.Create(-0f), sign.v2, magnitude.v2),
            AdvSimd.BitwiseSelect(Vector128.Create(-0f), sign.v3, magnitude.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon SelectLess(Lanes16Neon a, Lanes16Neon b, Lanes16Neon ifTrue, Lanes16Neon ifFalse) =>
        new(
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v0, b.v0), ifTrue.v0, ifFalse.v0),
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v1, b.v1), ifTrue.v1, ifFalse.v1),
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v2, b.v2), ifTrue.v2, ifFalse.v2),
            AdvSimd.BitwiseSelect(AdvSimd.CompareLessThan(a.v3, b.v3), ifTrue.v3, ifFalse.v3));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Neon Scale(Lanes16Neon value, Lanes16Neon magic) =>
        new(
            AdvSimd.Add(value.v0.AsUInt32(), AdvSimd.ShiftLeftLogical(magic.v0.AsUInt32(), 23)).AsSingle(),
            AdvSimd.Add(value.v1.AsUInt32(), AdvSimd.ShiftLeftLogical(magic.v1.AsUInt32(), 23)).AsSingle(),
            AdvSimd.Add(value.v2.AsUInt32(), AdvSimd.ShiftLeftLogical(magic.v2.AsUInt32(), 23)).AsSingle(),
            AdvSimd.Add(value.v3.AsUInt32(), AdvSimd.ShiftLeftLogical(magic.v3.AsUInt32(), 23)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes16Neon value)
    {
        Vector128<float> four = AdvSimd.Add(AdvSimd.Add(value.v0, value.v2), AdvSimd.Add(value.v1, value.v3));
        Vector128<float> two = AdvSimd.Add(four, AdvSimd.ExtractVector128(four, four, 2));
        return AdvSimd.AddScalar(two.GetLower(), AdvSimd.ExtractVector64(two.GetLower(), two.GetLower(), 1)).ToScalar();
    }
}
