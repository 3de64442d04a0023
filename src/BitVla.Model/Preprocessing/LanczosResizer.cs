using BitVla.Kernels.Elementwise;

namespace BitVla.Model.Preprocessing;

/// <summary>Resizes an image to a square with the Lanczos-3 kernel, widened when the image shrinks.</summary>
/// <remarks>
/// Numerics: sample positions and weights as TensorFlow's ScaleAndTranslate rounds them to fp32, the sines in double by
/// <see cref="PortableMath"/>; rows first, then columns; sums sequential over the span by fused multiply-adds in fp32;
/// rounding half to even, then saturation.
/// One instance serves one thread. Scratch and weights grow to the largest image seen and are kept.
/// Source: tf.image.resize(method="lanczos3", antialias=True) as called by resize_image_for_policy, ustcwhy/BitVLA,
/// openvla-oft/experiments/robot/openvla_utils.py.
/// </remarks>
public sealed class LanczosResizer
{
    /// <summary>The kernel's radius.</summary>
    /// <remarks>Units: input pixels when enlarging, output pixels when shrinking.</remarks>
    public const int Radius = 3;

    private readonly int _outputSide;
    private readonly SpanTable _rows;
    private readonly SpanTable _columns;
    private float[] _columnImage = [];

    /// <summary>Prepares a resizer that writes squares of the given side.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The side is not in 1..<see cref="ImageGeometry.MaximumSide"/>.</exception>
    public LanczosResizer(int outputSide)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(outputSide, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(outputSide, ImageGeometry.MaximumSide);
        _outputSide = outputSide;
        _rows = new SpanTable(outputSide);
        _columns = new SpanTable(outputSide);
    }

    /// <summary>Resizes one image; the aspect ratio is not kept.</summary>
    /// <remarks>Shape: rgb u8 [height, width, 3], result u8 [S, S, 3] with S the side. Units: grey levels 0..255.</remarks>
    /// <exception cref="ArgumentException">A side is out of range or a length does not match the size.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; it is looked at every output row.</exception>
    public void Apply(ReadOnlySpan<byte> rgb, int width, int height, Span<byte> result, CancellationToken cancellation = default)
    {
        ImageGeometry.CheckImage(width, height, rgb.Length, nameof(rgb));
        ImageGeometry.CheckImage(_outputSide, _outputSide, result.Length, nameof(result));
        _rows.Prepare(height);
        _columns.Prepare(width);
        int rowLength = width * ImageGeometry.Channels;
        ImageGeometry.Grow(ref _columnImage, rowLength);
        for (int y = 0; y < _outputSide; y++)
        {
            cancellation.ThrowIfCancellationRequested();
            // One output row needs one blended input row, so the intermediate image is never whole.
            Span<float> blended = _columnImage.AsSpan(0, rowLength);
            BlendRows(rgb, rowLength, y, blended);
            BlendColumns(blended, result.Slice(y * _outputSide * ImageGeometry.Channels, _outputSide * ImageGeometry.Channels));
        }
    }

    private void BlendRows(ReadOnlySpan<byte> rgb, int rowLength, int y, Span<float> blended)
    {
        blended.Clear();
        ReadOnlySpan<float> weights = _rows.Weights(y, out int start);
        for (int k = 0; k < weights.Length; k++)
        {
            ReadOnlySpan<byte> source = rgb.Slice((start + k) * rowLength, rowLength);
            float weight = weights[k];
            for (int i = 0; i < blended.Length; i++)
            {
                blended[i] = MathF.FusedMultiplyAdd(weight, source[i], blended[i]);
            }
        }
    }

    private void BlendColumns(ReadOnlySpan<float> blended, Span<byte> result)
    {
        for (int x = 0; x < _outputSide; x++)
        {
            ReadOnlySpan<float> weights = _columns.Weights(x, out int start);
            float red = 0, green = 0, blue = 0;
            for (int k = 0, at = start * 3; k < weights.Length; k++, at += 3)
            {
                red = MathF.FusedMultiplyAdd(weights[k], blended[at], red);
                green = MathF.FusedMultiplyAdd(weights[k], blended[at + 1], green);
                blue = MathF.FusedMultiplyAdd(weights[k], blended[at + 2], blue);
            }

            result[3 * x] = ToByte(red);
            result[(3 * x) + 1] = ToByte(green);
            result[(3 * x) + 2] = ToByte(blue);
        }
    }

    private static byte ToByte(float value) => (byte)Math.Clamp((int)MathF.Round(value, MidpointRounding.ToEven), 0, 255);

    /// <summary>For each output position along one axis: the first input position and its weights.</summary>
    private sealed class SpanTable(int outputLength)
    {
        private readonly int[] _starts = new int[outputLength];
        private readonly int[] _counts = new int[outputLength];
        private float[] _weights = [];
        private int _capacity;
        private int _inputLength;

        public ReadOnlySpan<float> Weights(int output, out int start)
        {
            start = _starts[output];
            return _weights.AsSpan(output * _capacity, _counts[output]);
        }

        public void Prepare(int inputLength)
        {
            if (inputLength == _inputLength)
            {
                return;
            }

            // Not prepared for anything until the end, should growing fail.
            _inputLength = 0;
            float scale = (float)outputLength / inputLength;
            float inverseScale = 1f / scale;
            float kernelScale = Math.Max(inverseScale, 1f);
            float reach = Radius * kernelScale;
            _capacity = (2 * (int)MathF.Ceiling(reach)) + 1;
            ImageGeometry.Grow(ref _weights, _capacity * outputLength);
            for (int output = 0; output < outputLength; output++)
            {
                float position = (output + 0.5f) * inverseScale;
                int first = Math.Clamp((int)MathF.Ceiling(position - reach - 0.5f), 0, inputLength - 1);
                int last = Math.Clamp((int)MathF.Floor(position + reach - 0.5f), 0, inputLength - 1);
                _starts[output] = first;
                _counts[output] = last - first + 1;
                FillWeights(_weights.AsSpan(output * _capacity, last - first + 1), first, position, kernelScale);
            }

            _inputLength = inputLength;
        }

        private static void FillWeights(Span<float> weights, int first, float position, float kernelScale)
        {
            float inverseKernelScale = 1f / kernelScale;
            float sum = 0;
            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] = Kernel(MathF.Abs((first + k + 0.5f - position) * inverseKernelScale));
                sum += weights[k];
            }

            float inverseSum = 1f / sum;
            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] *= inverseSum;
            }
        }

        private static float Kernel(float distance)
        {
            if (distance > Radius)
            {
                return 0;
            }

            // sin(x)/x loses its meaning near zero; TensorFlow switches here.
            if (distance <= 1e-3f)
            {
                return 1;
            }

            double angle = Math.PI * distance;
            return (float)(Radius * PortableMath.Sin(angle) * PortableMath.Sin(angle / Radius) / (angle * angle));
        }
    }
}
