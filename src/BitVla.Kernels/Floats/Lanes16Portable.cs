using System.Runtime.CompilerServices;

namespace BitVla.Kernels.Floats;

/// <summary>Sixteen lanes as plain floats: the definition of correct, never optimised.</summary>
internal unsafe struct Lanes16Portable : ILanes16<Lanes16Portable>
{
    private const int Count = 16;

    private Elements elements;

    /// <inheritdoc/>
    public static Lanes16Portable Zero => default;

    /// <inheritdoc/>
    public static Lanes16Portable Broadcast(float value)
    {
        Lanes16Portable r = default;
        for (int i = 0; i < Count; i++)
        {
            r.elements[i] = value;
        }

        return r;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Load(float* source)
    {
        Lanes16Portable r = default;
        for (int i = 0; i < Count; i++)
        {
            r.elements[i] = source[i];
        }

        return r;
    }

    /// <inheritdoc/>
    public static Lanes16Portable LoadBrain(ushort* source)
    {
        Lanes16Portable r = default;
        for (int i = 0; i < Count; i++)
        {
            r.elements[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        }

        return r;
    }

    /// <inheritdoc/>
    public static void Store(Lanes16Portable value, float* destination)
    {
        for (int i = 0; i < Count; i++)
        {
            destination[i] = value.elements[i];
        }
    }

    /// <inheritdoc/>
    public static void StoreLevels(Lanes16Portable value, sbyte* destination)
    {
        for (int i = 0; i < Count; i++)
        {
            destination[i] = (sbyte)(int)MathF.Round(value.elements[i], MidpointRounding.ToEven);
        }
    }

    /// <inheritdoc/>
    public static Lanes16Portable Add(Lanes16Portable a, Lanes16Portable b)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] += b.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Subtract(Lanes16Portable a, Lanes16Portable b)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] -= b.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Multiply(Lanes16Portable a, Lanes16Portable b)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] *= b.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Divide(Lanes16Portable a, Lanes16Portable b)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] /= b.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Fma(Lanes16Portable a, Lanes16Portable b, Lanes16Portable c)
    {
        for (int i = 0; i < Count; i++)
        {
            c.elements[i] = MathF.FusedMultiplyAdd(a.elements[i], b.elements[i], c.elements[i]);
        }

        return c;
    }

    /// <inheritdoc/>
    public static Lanes16Portable FmaNegated(Lanes16Portable a, Lanes16Portable b, Lanes16Portable c)
    {
        for (int i = 0; i < Count; i++)
        {
            c.elements[i] = MathF.FusedMultiplyAdd(-a.elements[i], b.elements[i], c.elements[i]);
        }

        return c;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Max(Lanes16Portable a, Lanes16Portable b)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] = a.elements[i] > b.elements[i] ? a.elements[i] : b.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Min(Lanes16Portable a, Lanes16Portable b)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] = a.elements[i] < b.elements[i] ? a.elements[i] : b.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Abs(Lanes16Portable value)
    {
        for (int i = 0; i < Count; i++)
        {
            value.elements[i] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value.elements[i]) & 0x7FFFFFFF);
        }

        return value;
    }

    /// <inheritdoc/>
    public static Lanes16Portable WithSign(Lanes16Portable magnitude, Lanes16Portable sign)
    {
        for (int i = 0; i < Count; i++)
        {
            uint bit = BitConverter.SingleToUInt32Bits(sign.elements[i]) & 0x80000000;
            magnitude.elements[i] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(magnitude.elements[i]) | bit);
        }

        return magnitude;
    }

    /// <inheritdoc/>
    public static Lanes16Portable SelectLess(Lanes16Portable a, Lanes16Portable b, Lanes16Portable ifTrue, Lanes16Portable ifFalse)
    {
        for (int i = 0; i < Count; i++)
        {
            a.elements[i] = a.elements[i] < b.elements[i] ? ifTrue.elements[i] : ifFalse.elements[i];
        }

        return a;
    }

    /// <inheritdoc/>
    public static Lanes16Portable Scale(Lanes16Portable value, Lanes16Portable magic)
    {
        for (int i = 0; i < Count; i++)
        {
            uint exponent = BitConverter.SingleToUInt32Bits(magic.elements[i]) << 23;
            value.elements[i] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value.elements[i]) + exponent);
        }

        return value;
    }

    /// <inheritdoc/>
    public static float Sum(Lanes16Portable value)
    {
        for (int half = Count / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
            {
                value.elements[i] += value.elements[i + half];
            }
        }

        return value.elements[0];
    }

    [InlineArray(Count)]
    private struct Elements
    {
        private float first;
    }
}
