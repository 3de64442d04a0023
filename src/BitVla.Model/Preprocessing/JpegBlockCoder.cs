namespace BitVla.Model.Preprocessing;

/// <summary>Forward DCT, quantisation and inverse DCT of the 8x8 blocks of one plane.</summary>
/// <remarks>
/// Numerics: integers. Forward: Loeffler, Ligtenberg and Moschytz with 13-bit constants (libjpeg's JDCT_ISLOW). Inverse:
/// Arai, Agui and Nakajima with 8-bit constants and truncating shifts (JDCT_IFAST); it is up to 10 grey levels away from
/// the accurate transform at this quality, so the truncations are part of the specification.
/// </remarks>
internal sealed class JpegBlockCoder
{
    private const int Side = 8;
    private const int Area = Side * Side;

    // Both transforms carry two fractional bits between their passes.
    private const int PassBits = 2;
    private const int ForwardBits = 13;
    private const int InverseBits = 8;
    private const int InverseScaleBits = 14;
    private const int SampleCentre = 128;

    /// <summary>Output scale of the Arai-Agui-Nakajima flow graph: 1, then sqrt(2) cos(k pi / 16).</summary>
    private static ReadOnlySpan<double> InverseScale =>
        [1.0, 1.387039845, 1.306562965, 1.175875602, 1.0, 0.785694958, 0.541196100, 0.275899379];

    private readonly int[] _divisors = new int[Area];
    private readonly int[] _multipliers = new int[Area];
    private readonly int[] _block = new int[Area];

    public JpegBlockCoder(ReadOnlySpan<byte> baseTable, int quality)
    {
        int percent = quality < 50 ? 5000 / quality : 200 - (quality * 2);
        for (int i = 0; i < Area; i++)
        {
            int quantum = Math.Clamp(((baseTable[i] * percent) + 50) / 100, 1, 255);
            // The forward transform leaves a factor of 8 to the quantiser.
            _divisors[i] = quantum << 3;
            int scale = (int)((InverseScale[i / Side] * InverseScale[i % Side] * (1 << InverseScaleBits)) + 0.5);
            _multipliers[i] = Descale(quantum * scale, InverseScaleBits - PassBits);
        }
    }

    /// <summary>Replaces each block by its decoded self; the plane's sides are multiples of 8.</summary>
    public void RoundTrip(Span<byte> plane, int stride, int rows, CancellationToken cancellation)
    {
        for (int top = 0; top < rows; top += Side)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int left = 0; left < stride; left += Side)
            {
                RoundTripBlock(plane[((top * stride) + left)..], stride);
            }
        }
    }

    private void RoundTripBlock(Span<byte> samples, int stride)
    {
        Span<int> block = _block;
        for (int i = 0; i < Area; i++)
        {
            block[i] = samples[(i / Side * stride) + (i % Side)] - SampleCentre;
        }

        for (int row = 0; row < Side; row++)
        {
            ForwardPass(block.Slice(row * Side, Side), 1, isFirst: true);
        }

        for (int column = 0; column < Side; column++)
        {
            ForwardPass(block[column..], Side, isFirst: false);
        }

        for (int i = 0; i < Area; i++)
        {
            block[i] = Quantise(block[i], _divisors[i]) * _multipliers[i];
        }

        for (int column = 0; column < Side; column++)
        {
            InversePass(block[column..], Side);
        }

        for (int row = 0; row < Side; row++)
        {
            InversePass(block.Slice(row * Side, Side), 1);
        }

        for (int i = 0; i < Area; i++)
        {
            // Truncating shift, then saturation. libjpeg masks to 10 bits before its limit table, which is saturation
            // for every value that quality 95 can produce from 8-bit samples.
            samples[(i / Side * stride) + (i % Side)] = (byte)Math.Clamp((block[i] >> (PassBits + 3)) + SampleCentre, 0, 255);
        }
    }

    /// <summary>Division rounded to nearest, halves away from zero.</summary>
    private static int Quantise(int coefficient, int divisor)
    {
        int magnitude = (Math.Abs(coefficient) + (divisor >> 1)) / divisor;
        return coefficient < 0 ? -magnitude : magnitude;
    }

    private static int Descale(int value, int bits) => (value + (1 << (bits - 1))) >> bits;

    /// <summary>Eight samples a stride apart; the first pass gains <see cref="PassBits"/> bits, the second gives them back.</summary>
    private static void ForwardPass(Span<int> x, int stride, bool isFirst)
    {
        int bits = isFirst ? ForwardBits - PassBits : ForwardBits + PassBits;
        int sum0 = x[0] + x[7 * stride], difference0 = x[0] - x[7 * stride];
        int sum1 = x[stride] + x[6 * stride], difference1 = x[stride] - x[6 * stride];
        int sum2 = x[2 * stride] + x[5 * stride], difference2 = x[2 * stride] - x[5 * stride];
        int sum3 = x[3 * stride] + x[4 * stride], difference3 = x[3 * stride] - x[4 * stride];

        int outer = sum0 + sum3, inner = sum1 + sum2;
        x[0] = isFirst ? (outer + inner) << PassBits : Descale(outer + inner, PassBits);
        x[4 * stride] = isFirst ? (outer - inner) << PassBits : Descale(outer - inner, PassBits);

        // Rotation by sqrt(2) c6: 0.541196100, 0.765366865, 1.847759065.
        int outerTilt = sum0 - sum3, innerTilt = sum1 - sum2;
        int rotated = (outerTilt + innerTilt) * 4433;
        x[2 * stride] = Descale(rotated + (outerTilt * 6270), bits);
        x[6 * stride] = Descale(rotated - (innerTilt * 15137), bits);

        // The odd half of the flow graph: 1.175875602; -1.961570560, -0.390180644; -0.899976223, -2.562915447.
        int common = (difference3 + difference1 + difference2 + difference0) * 9633;
        int oddA = common - ((difference3 + difference1) * 16069);
        int oddB = common - ((difference2 + difference0) * 3196);
        int oddC = (difference3 + difference0) * -7373;
        int oddD = (difference2 + difference1) * -20995;

        // 0.298631336, 2.053119869, 3.072711026, 1.501321110.
        x[7 * stride] = Descale((difference3 * 2446) + oddC + oddA, bits);
        x[5 * stride] = Descale((difference2 * 16819) + oddD + oddB, bits);
        x[3 * stride] = Descale((difference1 * 25172) + oddD + oddA, bits);
        x[stride] = Descale((difference0 * 12299) + oddC + oddB, bits);
    }

    /// <summary>Eight scaled coefficients a stride apart; every product is truncated at once, as the 16-bit code does.</summary>
    private static void InversePass(Span<int> x, int stride)
    {
        int evenSum = x[0] + x[4 * stride], evenDifference = x[0] - x[4 * stride];
        int pairSum = x[2 * stride] + x[6 * stride];
        int pairTilt = Multiply(x[2 * stride] - x[6 * stride], 362) - pairSum;
        int even0 = evenSum + pairSum, even3 = evenSum - pairSum;
        int even1 = evenDifference + pairTilt, even2 = evenDifference - pairTilt;

        int sum53 = x[5 * stride] + x[3 * stride], difference53 = x[5 * stride] - x[3 * stride];
        int sum17 = x[stride] + x[7 * stride], difference17 = x[stride] - x[7 * stride];

        // 1.847759065, 1.082392200, 2.613125930, 1.414213562.
        int common = Multiply(difference53 + difference17, 473);
        int odd0 = sum17 + sum53;
        int odd1 = Multiply(difference53, -669) + common - odd0;
        int odd2 = Multiply(sum17 - sum53, 362) - odd1;
        int odd3 = Multiply(difference17, 277) - common + odd2;

        x[0] = even0 + odd0;
        x[7 * stride] = even0 - odd0;
        x[stride] = even1 + odd1;
        x[6 * stride] = even1 - odd1;
        x[2 * stride] = even2 + odd2;
        x[5 * stride] = even2 - odd2;
        x[4 * stride] = even3 + odd3;
        x[3 * stride] = even3 - odd3;
    }

    private static int Multiply(int value, int constant) => (value * constant) >> InverseBits;
}
