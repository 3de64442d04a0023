using System.Numerics;

namespace BitVla.Packing;

/// <summary>The absmean weight quantiser: one scale a matrix, its mean taken exactly.</summary>
/// <remarks>
/// Numerics: m = mean |W|, s = fl(1 / max(m, 1e-5)), q = clamp(round half even (W·s), -1, 1), gain = fl(1/s). The sum is
/// exact (an integer a binary exponent), divided once and rounded once to fp32: the same bits for every order and chunking.
/// Source: BITVLA.md section 4.1; WeightQuant, ustcwhy/BitVLA, transformers/.../models/llava/modeling_bitnet.py.
/// </remarks>
public sealed class AbsMeanQuantizer
{
    /// <summary>Least mean; the scale of an all-zero matrix.</summary>
    public const float MinMean = 1e-5f;

    private const int NonFiniteExponent = 255;

    // A 24-bit significand added fewer than 2^40 times stays inside 64 bits.
    private readonly ulong[] sums = new ulong[256];
    private long count;

    /// <summary>The factor s of the last <see cref="Finish"/>.</summary>
    public float Scale { get; private set; } = 1 / MinMean;

    /// <summary>The weight that a trit of 1 stands for, fl(1/s).</summary>
    public float Gain { get; private set; } = 1 / (1 / MinMean);

    /// <summary>Takes further weights of the matrix into the mean.</summary>
    public void Add(ReadOnlySpan<float> weights)
    {
        ulong[] bins = sums;
        foreach (float weight in weights)
        {
            uint bits = BitConverter.SingleToUInt32Bits(weight);
            uint exponent = bits >> 23 & 0xFF;
            bins[exponent] += (bits & 0x7FFFFF) | (exponent == 0 ? 0u : 0x800000u);
        }

        count += weights.Length;
    }

    /// <summary>Derives scale and gain from the weights added, and forgets them.</summary>
    /// <returns>The mean, rounded to fp32.</returns>
    public float Finish()
    {
        float mean = Mean();
        Scale = 1 / Math.Max(mean, MinMean);
        Gain = 1 / Scale;
        Array.Clear(sums);
        count = 0;
        return mean;
    }

    /// <summary>Turns weights into trits with the scale of the last <see cref="Finish"/>.</summary>
    public void Quantize(ReadOnlySpan<float> weights, Span<sbyte> trits)
    {
        // Half to even then clamp, written as two comparisons: exactly 0.5 goes to 0, everything beyond to ±1.
        float scale = Scale;
        for (int i = 0; i < weights.Length; i++)
        {
            float scaled = weights[i] * scale;
            trits[i] = (sbyte)((scaled > 0.5f ? 1 : 0) - (scaled < -0.5f ? 1 : 0));
        }
    }

    private float Mean()
    {
        if (sums[NonFiniteExponent] != 0)
        {
            return float.NaN;
        }

        // In units of 2^-149, the least fp32 value.
        var sum = BigInteger.Zero;
        for (int exponent = 0; exponent < NonFiniteExponent; exponent++)
        {
            sum += (BigInteger)sums[exponent] << Math.Max(exponent, 1) - 1;
        }

        return sum.IsZero ? 0 : RoundToSingle(sum, count);
    }

    private static float RoundToSingle(BigInteger sum, long divisor)
    {
        // 64 more bits make the quotient longer than any significand; a remainder becomes a sticky last bit.
        const int Extra = 64;
        const int Significand = 24;
        var quotient = BigInteger.DivRem(sum << Extra, divisor, out var remainder);
        if (!remainder.IsZero)
        {
            quotient |= BigInteger.One;
        }

        int drop = (int)quotient.GetBitLength() - Significand;
        var kept = quotient >> drop;
        var below = quotient - (kept << drop);
        int order = below.CompareTo(BigInteger.One << drop - 1);
        if (order > 0 || (order == 0 && !kept.IsEven))
        {
            kept += BigInteger.One;
        }

        return MathF.ScaleB((float)kept, drop - Extra - 149);
    }
}
