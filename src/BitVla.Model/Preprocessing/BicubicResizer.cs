namespace BitVla.Model.Preprocessing;

/// <summary>Resizes an image to a square with the bicubic kernel (a = -0.5), widened when the image shrinks.</summary>
/// <remarks>
/// Numerics: weights in double, rounded to 22 fractional bits; integer sums, so any order gives the same bytes; the image
/// between the two passes (columns first) is u8. An axis that keeps its length is not filtered.
/// Source: PIL.Image.resize(resample=BICUBIC), which SiglipImageProcessor calls.
/// </remarks>
public sealed class BicubicResizer
{
    // 32 bits less 8 of the sample and 2 for overshoot, as in Pillow's 8-bit path.
    private const int WeightBits = 32 - 8 - 2;
    private const double Support = 2.0;

    private readonly int _width;
    private readonly int _height;
    private readonly int _outputSide;
    private readonly Axis? _horizontal;
    private readonly Axis? _vertical;
    private readonly byte[] _narrowed;

    /// <summary>Prepares the resize from one size to a square.</summary>
    /// <remarks>Units: pixels.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">A side is not in 1..<see cref="ImageGeometry.MaximumSide"/>.</exception>
    public BicubicResizer(int width, int height, int outputSide)
    {
        CheckSide(width, nameof(width));
        CheckSide(height, nameof(height));
        CheckSide(outputSide, nameof(outputSide));
        _width = width;
        _height = height;
        _outputSide = outputSide;
        _horizontal = width == outputSide ? null : new Axis(width, outputSide);
        _vertical = height == outputSide ? null : new Axis(height, outputSide);
        _narrowed = _horizontal is null || _vertical is null ? [] : new byte[outputSide * height * ImageGeometry.Channels];
    }

    /// <summary>Resizes one image.</summary>
    /// <remarks>Shape: rgb u8 [height, width, 3], result u8 [S, S, 3]; they must not overlap. Units: grey levels 0..255.</remarks>
    /// <exception cref="ArgumentException">A length does not match its size.</exception>
    public void Apply(ReadOnlySpan<byte> rgb, Span<byte> result)
    {
        ImageGeometry.CheckImage(_width, _height, rgb.Length, nameof(rgb));
        ImageGeometry.CheckImage(_outputSide, _outputSide, result.Length, nameof(result));
        if (_horizontal is null && _vertical is null)
        {
            rgb.CopyTo(result);
        }
        else if (_vertical is null)
        {
            ResizeRows(rgb, result);
        }
        else if (_horizontal is null)
        {
            ResizeColumns(rgb, result);
        }
        else
        {
            ResizeRows(rgb, _narrowed);
            ResizeColumns(_narrowed, result);
        }
    }

    private static void CheckSide(int side, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(side, ImageGeometry.MaximumSide, name);
    }

    private void ResizeRows(ReadOnlySpan<byte> source, Span<byte> target)
    {
        for (int y = 0; y < _height; y++)
        {
            ReadOnlySpan<byte> from = source.Slice(y * _width * 3, _width * 3);
            Span<byte> to = target.Slice(y * _outputSide * 3, _outputSide * 3);
            for (int i = 0; i < to.Length; i++)
            {
                ReadOnlySpan<int> weights = _horizontal!.Weights(i / 3, out int start);
                to[i] = Blend(from[((start * 3) + (i % 3))..], 3, weights);
            }
        }
    }

    private void ResizeColumns(ReadOnlySpan<byte> source, Span<byte> target)
    {
        int stride = _outputSide * 3;
        for (int y = 0; y < _outputSide; y++)
        {
            ReadOnlySpan<int> weights = _vertical!.Weights(y, out int start);
            for (int i = 0; i < stride; i++)
            {
                target[(y * stride) + i] = Blend(source[((start * stride) + i)..], stride, weights);
            }
        }
    }

    private static byte Blend(ReadOnlySpan<byte> samples, int stride, ReadOnlySpan<int> weights)
    {
        int sum = 1 << (WeightBits - 1);
        for (int k = 0, at = 0; k < weights.Length; k++, at += stride)
        {
            sum += samples[at] * weights[k];
        }

        return (byte)Math.Clamp(sum >> WeightBits, 0, 255);
    }

    /// <summary>For each output position along one axis: the first input position and its fixed-point weights.</summary>
    private sealed class Axis
    {
        private readonly int[] _starts;
        private readonly int[] _counts;
        private readonly int[] _weights;
        private readonly int _capacity;

        public Axis(int inputLength, int outputLength)
        {
            double scale = (double)inputLength / outputLength;
            double filterScale = Math.Max(scale, 1.0);
            double reach = Support * filterScale;
            _capacity = ((int)Math.Ceiling(reach) * 2) + 1;
            _starts = new int[outputLength];
            _counts = new int[outputLength];
            _weights = new int[outputLength * _capacity];
            var exact = new double[_capacity];
            for (int output = 0; output < outputLength; output++)
            {
                double centre = (output + 0.5) * scale;
                int first = Math.Max((int)(centre - reach + 0.5), 0);
                int end = Math.Min((int)(centre + reach + 0.5), inputLength);
                _starts[output] = first;
                _counts[output] = end - first;
                FillWeights(exact.AsSpan(0, end - first), first - centre + 0.5, 1.0 / filterScale);
                for (int k = 0; k < end - first; k++)
                {
                    double scaled = exact[k] * (1 << WeightBits);
                    _weights[(output * _capacity) + k] = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
                }
            }
        }

        public ReadOnlySpan<int> Weights(int output, out int start)
        {
            start = _starts[output];
            return _weights.AsSpan(output * _capacity, _counts[output]);
        }

        private static void FillWeights(Span<double> weights, double offset, double inverseScale)
        {
            double sum = 0;
            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] = Kernel((k + offset) * inverseScale);
                sum += weights[k];
            }

            for (int k = 0; k < weights.Length && sum != 0; k++)
            {
                weights[k] /= sum;
            }
        }

        private static double Kernel(double x)
        {
            const double A = -0.5;
            x = Math.Abs(x);
            if (x < 1.0)
            {
                return ((((A + 2.0) * x) - (A + 3.0)) * x * x) + 1;
            }

            return x < 2.0 ? ((((x - 5) * x) + 8) * x - 4) * A : 0.0;
        }
    }
}
