namespace BitVla.Model.Preprocessing;

/// <summary>Cuts the middle 90 % of an image's area and stretches it to a square.</summary>
/// <remarks>
/// Numerics: fp32 without fused operations, in TensorFlow's order (along x, then along y); the result is truncated
/// after multiplication by 255.5, which is TensorFlow's conversion of a unit float to u8.
/// Source: center_crop_image (tf.image.crop_and_resize), ustcwhy/BitVLA, openvla-oft/experiments/robot/openvla_utils.py.
/// </remarks>
public sealed class CenterCrop
{
    /// <summary>The kept part of the area.</summary>
    public const float AreaFraction = 0.9f;

    private readonly int _inputSide;
    private readonly int _outputSide;
    private readonly int[] _lower;
    private readonly int[] _upper;
    private readonly float[] _fraction;

    /// <summary>Prepares the crop from squares of one side to squares of another.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not in 2..<see cref="ImageGeometry.MaximumSide"/>.</exception>
    public CenterCrop(int inputSide, int outputSide)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputSide, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inputSide, ImageGeometry.MaximumSide);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputSide, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(outputSide, ImageGeometry.MaximumSide);
        _inputSide = inputSide;
        _outputSide = outputSide;
        _lower = new int[outputSide];
        _upper = new int[outputSide];
        _fraction = new float[outputSide];

        float side = MathF.Sqrt(AreaFraction);
        float offset = (1f - side) / 2f;
        float far = offset + side;
        float step = (far - offset) * (inputSide - 1) / (outputSide - 1);
        for (int i = 0; i < outputSide; i++)
        {
            // Within 0..inputSide-1: the box lies inside the image.
            float position = (offset * (inputSide - 1)) + (i * step);
            _lower[i] = (int)MathF.Floor(position);
            _upper[i] = (int)MathF.Ceiling(position);
            _fraction[i] = position - _lower[i];
        }
    }

    /// <summary>Crops one image to grey levels.</summary>
    /// <remarks>Shape: rgb u8 [Sin, Sin, 3], result u8 [Sout, Sout, 3]; they must not overlap. Units: grey levels 0..255.</remarks>
    /// <exception cref="ArgumentException">A length does not match its side.</exception>
    public void Apply(ReadOnlySpan<byte> rgb, Span<byte> result)
    {
        ImageGeometry.CheckImage(_inputSide, _inputSide, rgb.Length, nameof(rgb));
        ImageGeometry.CheckImage(_outputSide, _outputSide, result.Length, nameof(result));
        for (int y = 0, at = 0; y < _outputSide; y++)
        {
            for (int x = 0; x < _outputSide; x++)
            {
                for (int channel = 0; channel < 3; channel++, at++)
                {
                    result[at] = (byte)Math.Min((int)(Math.Clamp(Sample(rgb, x, y, channel), 0f, 1f) * 255.5f), 255);
                }
            }
        }
    }

    /// <summary>The interpolated value at one output position, 0..1.</summary>
    internal float Sample(ReadOnlySpan<byte> rgb, int x, int y, int channel)
    {
        int left = (_lower[x] * 3) + channel, right = (_upper[x] * 3) + channel;
        int top = _lower[y] * _inputSide * 3, bottom = _upper[y] * _inputSide * 3;
        float topLeft = ToUnit(rgb[top + left]), topRight = ToUnit(rgb[top + right]);
        float bottomLeft = ToUnit(rgb[bottom + left]), bottomRight = ToUnit(rgb[bottom + right]);
        float upper = topLeft + ((topRight - topLeft) * _fraction[x]);
        float lower = bottomLeft + ((bottomRight - bottomLeft) * _fraction[x]);
        return upper + ((lower - upper) * _fraction[y]);
    }

    private static float ToUnit(byte level) => level * (1f / 255f);
}
