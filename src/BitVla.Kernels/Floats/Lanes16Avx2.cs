using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using X86Fma = System.Runtime.Intrinsics.X86.Fma;

namespace BitVla.Kernels.Floats;

/// <summary>Sixteen lanes in two 256-bit registers; entered only where the probe found AVX2 and FMA.</summary>
internal readonly unsafe struct Lanes16Avx2 : ILanes16<Lanes16Avx2>
{
    private readonly Vector256<float> low;
    private readonly Vector256<float> high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes16Avx2(Vector256<float> low, Vector256<float> high)
    {
        this.low = low;
        this.high = high;
    }

    /// <inheritdoc/>
    public static Lanes16Avx2 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<float>.Zero, Vector256<float>.Zero);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Broadcast(float value)
    {
        Vector256<float> v = Vector256.Create(value);
        return new(v, v);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Load(float* source) => new(Avx.LoadVector256(source), Avx.LoadVector256(source + 8));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 LoadBrain(ushort* source) => new(
        Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(source), 16).AsSingle(),
        Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(source + 8), 16).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes16Avx2 value, float* destination)
    {
        Avx.Store(destination, value.low);
        Avx.Store(destination + 8, value.high);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLevels(Lanes16Avx2 value, sbyte* destination)
    {
        // The conversion rounds ties to even, the mode every .NET thread starts in. Packing works within 128-bit halves,
        // so the middle quarters are put back in order.
        Vector256<short> words = Avx2.PackSignedSaturate(Avx.ConvertToVector256Int32(value.low), Avx.ConvertToVector256Int32(value.high));
        words = Avx2.Permute4x64(words.AsInt64(), 0b11_01_10_00).AsInt16();
        Sse2.Store(destination, Sse2.PackSignedSaturate(words.GetLower(), words.GetUpper()));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Add(Lanes16Avx2 a, Lanes16Avx2 b) =>
        new(Avx.Add(a.low, b.low), Avx.Add(a.high, b.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Subtract(Lanes16Avx2 a, Lanes16Avx2 b) =>
        new(Avx.Subtract(a.low, b.low), Avx.Subtract(a.high, b.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Multiply(Lanes16Avx2 a, Lanes16Avx2 b) =>
        new(Avx.Multiply(a.low, b.low), Avx.Multiply(a.high, b.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Divide(Lanes16Avx2 a, Lanes16Avx2 b) =>
        new(Avx.Divide(a.low, b.low), Avx.Divide(a.high, b.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Fma(Lanes16Avx2 a, Lanes16Avx2 b, Lanes16Avx2 c) =>
        new(X86Fma.MultiplyAdd(a.low, b.low, c.low), X86Fma.MultiplyAdd(a.high, b.high, c.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 FmaNegated(Lanes16Avx2 a, Lanes16Avx2 b, Lanes16Avx2 c) =>
        new(X86Fma.MultiplyAddNegated(a.low, b.low, c.low), X86Fma.MultiplyAddNegated(a.high, b.high, c.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Max(Lanes16Avx2 a, Lanes16Avx2 b) =>
        new(Avx.Max(a.low, b.low), Avx.Max(a.high, b.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Min(Lanes16Avx2 a, Lanes16Avx2 b) =>
        new(Avx.Min(a.low, b.low), Avx.Min(a.high, b.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Abs(Lanes16Avx2 value) =>
        new(Avx.AndNot(Vector256.Create(-0f), value.low), Avx.AndNot(Vector256.Create(-0f), value.high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 WithSign(Lanes16Avx2 magnitude, Lanes16Avx2 sign) =>
        new(Avx.Or(magnitude.low, Avx.And(sign.low, Vector256.Create(-0f))), Avx.Or(magnitude.high, Avx.And(sign.high, Vector256.Create(-0f))));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 SelectLess(Lanes16Avx2 a, Lanes16Avx2 b, Lanes16Avx2 ifTrue, Lanes16Avx2 ifFalse) =>
        new(Avx.BlendVariable(ifFalse.low, ifTrue.low, Avx.CompareLessThan(a.low, b.low)), Avx.BlendVariable(ifFalse.high, ifTrue.high, Avx.CompareLessThan(a.high, b.high)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16Avx2 Scale(Lanes16Avx2 value, Lanes16Avx2 magic) =>
        new(Avx2.Add(value.low.AsInt32(), Avx2.ShiftLeftLogical(magic.low.AsInt32(), 23)).AsSingle(), Avx2.Add(value.high.AsInt32(), Avx2.ShiftLeftLogical(magic.high.AsInt32(), 23)).AsSingle());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes16Avx2 value)
    {
        Vector256<float> eight = Avx.Add(value.low, value.high);
        Vector128<float> four = Sse.Add(eight.GetLower(), eight.GetUpper());
        Vector128<float> two = Sse.Add(four, Sse.MoveHighToLow(four, four));
        return Sse.AddScalar(two, Sse.Shuffle(two, two, 1)).ToScalar();
    }
}
