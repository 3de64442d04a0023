namespace BitVla.Kernels.Floats;

/// <summary>Sixteen float32 lanes: the one vector in which every float stage is written.</summary>
/// <remarks>
/// Numerics: each operation is defined lane by lane to the bit, so that the bodies written over it give the same result on
/// every implementation: <see cref="Lanes16Portable"/> is the definition, the others are the same lanes in registers.
/// Estimates, unfused multiply-adds of the platform's choice and the platform's own maximum have no place here.
/// </remarks>
internal unsafe interface ILanes16<TSelf>
    where TSelf : struct, ILanes16<TSelf>
{
    /// <summary>Positive zero in every lane.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>One value in every lane.</summary>
    static abstract TSelf Broadcast(float value);

    /// <summary>Sixteen values from memory, no alignment asked.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Sixteen bf16 values from memory, widened exactly.</summary>
    static abstract TSelf LoadBrain(ushort* source);

    /// <summary>Sixteen values to memory, no alignment asked.</summary>
    static abstract void Store(TSelf value, float* destination);

    /// <summary>Sixteen values in [-127, 127] to signed bytes, each rounded to the nearest integer, ties to even.</summary>
    static abstract void StoreLevels(TSelf value, sbyte* destination);

    /// <summary>a + b.</summary>
    static abstract TSelf Add(TSelf a, TSelf b);

    /// <summary>a - b.</summary>
    static abstract TSelf Subtract(TSelf a, TSelf b);

    /// <summary>a · b.</summary>
    static abstract TSelf Multiply(TSelf a, TSelf b);

    /// <summary>a / b, IEEE.</summary>
    static abstract TSelf Divide(TSelf a, TSelf b);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract TSelf Fma(TSelf a, TSelf b, TSelf c);

    /// <summary>c - a · b, rounded once.</summary>
    static abstract TSelf FmaNegated(TSelf a, TSelf b, TSelf c);

    /// <summary>a > b ? a : b, which also decides signed zeros and NaN (b wins).</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>a less than b ? a : b, which also decides signed zeros and NaN (b wins).</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>The value without its sign bit.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>The magnitude of a non-negative value with the sign bit of another.</summary>
    static abstract TSelf WithSign(TSelf magnitude, TSelf sign);

    /// <summary>a less than b ? ifTrue : ifFalse.</summary>
    static abstract TSelf SelectLess(TSelf a, TSelf b, TSelf ifTrue, TSelf ifFalse);

    /// <summary>value · 2^n by adding n to the exponent field; n sits in the low bits of <paramref name="magic"/> = n + 1.5·2^23.</summary>
    static abstract TSelf Scale(TSelf value, TSelf magic);

    /// <summary>Sum of the lanes by the halving tree: lane i with i+8, then 4, 2, 1.</summary>
    static abstract float Sum(TSelf value);
}
