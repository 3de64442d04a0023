using System.Diagnostics.CodeAnalysis;

namespace BitVla.Kernels.Elementwise;

/// <summary>Transcendental functions in double from fused multiply-adds: the same bits on every processor.</summary>
/// <remarks>
/// Numerics: plain Taylor and atanh series, long enough that the first dropped term is below 2^-57 of the result; only IEEE
/// operations and <see cref="Math.FusedMultiplyAdd"/>, whose result is defined to the bit. Results are within about 1e-15
/// relative of the true value and are rounded to float32 once by the callers (rotary tables, Lanczos weights).
/// </remarks>
public static class PortableMath
{
    /// <summary>Largest |x| that <see cref="Sin"/> and <see cref="Cos"/> accept: the multiple of π/2 stays exact in the reduction.</summary>
    public const double MaxAngle = 1e6;

    private const double TwoOverPi = 0.63661977236758134308;

    // π/2 in two doubles: the sum has 107 bits, so that the reduced angle keeps full precision up to MaxAngle.
    private const double HalfPiHigh = 1.57079632679489655800;
    private const double HalfPiLow = 6.12323399573676603587e-17;

    private const double Log2E = 1.44269504088896340736;
    private const double Ln2High = 0.69314718055994528623;
    private const double Ln2Low = 2.31904681384629955842e-17;
    private const double SqrtHalf = 0.70710678118654752440;

    // Below this the result would be denormal, above it infinite.
    private const double MinExponent = -708.0;
    private const double MaxExponent = 709.0;

    // 1.5·2^52: adding it rounds a small double to the nearest integer, ties to even.
    private const double RoundingMagic = 6755399441055744.0;

    /// <summary>Sine of x radians.</summary>
    /// <exception cref="ArgumentOutOfRangeException">|x| exceeds <see cref="MaxAngle"/> or is not a number.</exception>
    public static double Sin(double x)
    {
        long quadrant = Reduce(x, out double r, out double tail);
        double y = (quadrant & 1) == 0 ? SinReduced(r, tail) : CosReduced(r, tail);
        return (quadrant & 2) == 0 ? y : -y;
    }

    /// <summary>Cosine of x radians.</summary>
    /// <exception cref="ArgumentOutOfRangeException">|x| exceeds <see cref="MaxAngle"/> or is not a number.</exception>
    public static double Cos(double x)
    {
        long quadrant = Reduce(x, out double r, out double tail);
        double y = (quadrant & 1) == 0 ? CosReduced(r, tail) : SinReduced(r, tail);
        return ((quadrant + 1) & 2) == 0 ? y : -y;
    }

    /// <summary>e to the power x; x is clamped to [-708, 709], so the result is neither denormal nor infinite.</summary>
    public static double Exp(double x) => ExpWithTail(x, 0.0);

    /// <summary>Natural logarithm of a positive normal number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">x is not positive, denormal or not finite.</exception>
    public static double Log(double x)
    {
        double high = LogWithTail(x, out double tail);
        return high + tail;
    }

    /// <summary>x to the power y, x positive.</summary>
    /// <exception cref="ArgumentOutOfRangeException">x is not positive, denormal or not finite.</exception>
    public static double Pow(double x, double y)
    {
        // The logarithm is carried in two doubles: an error of one unit in its last place would otherwise grow by |y·ln x|.
        double high = LogWithTail(x, out double tail);
        double product = y * high;
        double productTail = Math.FusedMultiplyAdd(y, high, -product) + (y * tail);
        return ExpWithTail(product, productTail);
    }

    // x = quadrant · π/2 + r + tail, |r| ≤ π/4. The first step is exact for 1 ≤ |x|: both terms are multiples of 2^-52.
    private static long Reduce(double x, out double r, out double tail)
    {
        if (!(Math.Abs(x) <= MaxAngle))
        {
            ThrowOutOfRange(nameof(x));
        }

        double n = Math.FusedMultiplyAdd(x, TwoOverPi, RoundingMagic) - RoundingMagic;
        double first = Math.FusedMultiplyAdd(-n, HalfPiHigh, x);
        r = Math.FusedMultiplyAdd(-n, HalfPiLow, first);
        tail = Math.FusedMultiplyAdd(-n, HalfPiLow, first - r);
        return (long)n;
    }

    private static double SinReduced(double r, double tail)
    {
        // r - r³/3! + r⁵/5! ... r¹⁷/17!; the next term is below 1e-19 of r at π/4.
        double z = r * r;
        double p = 1.0 / 355687428096000.0;
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 1307674368000.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 6227020800.0);
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 39916800.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 362880.0);
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 5040.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 120.0);
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 6.0);
        return r + Math.FusedMultiplyAdd(z * r, p, tail);
    }

    private static double CosReduced(double r, double tail)
    {
        // 1 - r²/2! + r⁴/4! ... r¹⁸/18!; cos(r + tail) ≈ cos r - r · tail.
        double z = r * r;
        double p = -1.0 / 6402373705728000.0;
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 20922789888000.0);
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 87178291200.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 479001600.0);
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 3628800.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 40320.0);
        p = Math.FusedMultiplyAdd(p, z, -1.0 / 720.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 24.0);

        // The rounding of 1 - z/2 is recovered and folded into the small terms.
        double head = Math.FusedMultiplyAdd(z, -0.5, 1.0);
        double lost = Math.FusedMultiplyAdd(z, -0.5, 1.0 - head);
        return head + Math.FusedMultiplyAdd(z * z, p, Math.FusedMultiplyAdd(-r, tail, lost));
    }

    private static double ExpWithTail(double x, double tail)
    {
        double clamped = Math.Min(Math.Max(x, MinExponent), MaxExponent);
        double n = Math.FusedMultiplyAdd(clamped, Log2E, RoundingMagic) - RoundingMagic;
        double r = Math.FusedMultiplyAdd(-n, Ln2High, clamped);
        double low = Math.FusedMultiplyAdd(-n, Ln2Low, tail);

        // 1 + r + r²/2! ... r¹⁴/14! with |r| ≤ ln2/2; the next term is below 1e-19.
        double p = 1.0 / 87178291200.0;
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 6227020800.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 479001600.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 39916800.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 3628800.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 362880.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 40320.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 5040.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 720.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 120.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 24.0);
        p = Math.FusedMultiplyAdd(p, r, 1.0 / 6.0);
        p = Math.FusedMultiplyAdd(p, r, 0.5);
        double growth = Math.FusedMultiplyAdd(r * r, p, r);
        double y = 1.0 + (growth + Math.FusedMultiplyAdd(low, growth, low));

        // Two factors, because 2^n alone overflows the exponent field at n = 1024.
        long half = (long)n >> 1;
        return y * PowerOfTwo(half) * PowerOfTwo((long)n - half);
    }

    private static double LogWithTail(double x, out double tail)
    {
        if (!double.IsNormal(x) || x < 0.0)
        {
            ThrowOutOfRange(nameof(x));
        }

        long bits = BitConverter.DoubleToInt64Bits(x);
        long exponent = (bits >> 52) - 1022;
        double m = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | 0x3FE0000000000000);
        if (m < SqrtHalf)
        {
            m *= 2.0;
            exponent--;
        }

        // ln m = 2·atanh(s), s = (m-1)/(m+1) in two doubles, |s| < 0.172.
        double numerator = m - 1.0;
        double denominator = m + 1.0;
        double denominatorTail = m - (denominator - 1.0);
        double s = numerator / denominator;
        double sTail = Math.FusedMultiplyAdd(-s, denominatorTail, Math.FusedMultiplyAdd(-s, denominator, numerator)) / denominator;

        // 1/3 + z/5 + z²/7 ... z¹⁰/23, z = s².
        double z = s * s;
        double p = 1.0 / 23.0;
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 21.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 19.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 17.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 15.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 13.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 11.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 9.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 7.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 5.0);
        p = Math.FusedMultiplyAdd(p, z, 1.0 / 3.0);
        double mantissaHigh = 2.0 * s;
        double mantissaTail = 2.0 * Math.FusedMultiplyAdd(z * s, p, sTail);

        // exponent · ln2 is exact as a pair; |head| is zero or above |mantissaHigh|, so one fast two-sum is exact.
        double e = exponent;
        double head = e * Ln2High;
        double headTail = Math.FusedMultiplyAdd(e, Ln2High, -head) + (e * Ln2Low);
        double sum = head + mantissaHigh;
        double lost = exponent == 0 ? 0.0 : mantissaHigh - (sum - head);
        double rest = lost + headTail + mantissaTail;
        double high = sum + rest;
        tail = rest - (high - sum);
        return high;
    }

    private static double PowerOfTwo(long n) => BitConverter.Int64BitsToDouble((n + 1023) << 52);

    [DoesNotReturn]
    private static void ThrowOutOfRange(string name) =>
        throw new ArgumentOutOfRangeException(name, "The argument lies outside the range in which the result is exact enough.");
}
