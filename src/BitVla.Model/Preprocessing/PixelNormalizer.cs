using BitVla.Format.Layout;

namespace BitVla.Model.Preprocessing;

/// <summary>Turns grey levels into the vision tower's input.</summary>
/// <remarks>
/// Numerics: level x rescale in double, rounded to fp32; subtraction of the mean and division by the deviation in fp32;
/// rounded to bf16 (nearest, ties to even) unless switched off. All 256 answers per channel are made once.
/// Source: SiglipImageProcessor (rescale, normalize), transformers/.../siglip/image_processing_siglip.py, and the cast of
/// pixel_values to bf16 in get_bitnet_vla_action, ustcwhy/BitVLA.
/// </remarks>
public sealed class PixelNormalizer
{
    private const int Levels = 256;
    private readonly float[] _table = new float[ImageGeometry.Channels * Levels];

    /// <summary>Makes the tables.</summary>
    /// <param name="rescale">Factor from a level to the unit interval, 1/255 in all known checkpoints.</param>
    /// <param name="mean">Three means, red first, in units of the rescaled value.</param>
    /// <param name="deviation">Three deviations, red first, in units of the rescaled value.</param>
    /// <param name="roundToBf16">Whether the values pass through bf16, as the authors' evaluation does.</param>
    /// <exception cref="ArgumentException">Not three means and deviations, or a value would not be finite.</exception>
    public PixelNormalizer(double rescale, ReadOnlySpan<float> mean, ReadOnlySpan<float> deviation, bool roundToBf16 = true)
    {
        if (mean.Length != ImageGeometry.Channels || deviation.Length != ImageGeometry.Channels)
        {
            throw new ArgumentException($"Expected 3 means and 3 deviations, found {mean.Length} and {deviation.Length}.", nameof(mean));
        }

        for (int i = 0; i < _table.Length; i++)
        {
            float value = ((float)(i % Levels * rescale) - mean[i / Levels]) / deviation[i / Levels];
            _table[i] = roundToBf16 ? BFloat16.Widen(BFloat16.Round(value)) : value;
            if (!float.IsFinite(_table[i]))
            {
                throw new ArgumentException(
                    $"Rescale {rescale}, mean {mean[i / Levels]}, deviation {deviation[i / Levels]} give a pixel value that is not finite.",
                    nameof(deviation));
            }
        }
    }

    /// <summary>Normalises one image.</summary>
    /// <remarks>Shape: rgb u8 [H, W, 3], pixelValues f32 [3, H, W]. Units: deviations from the mean, -1..1 in known checkpoints.</remarks>
    /// <exception cref="ArgumentException">The lengths differ or are no whole number of pixels.</exception>
    public void Apply(ReadOnlySpan<byte> rgb, Span<float> pixelValues)
    {
        if (rgb.Length != pixelValues.Length || rgb.Length % ImageGeometry.Channels != 0)
        {
            throw new ArgumentException($"An image of {rgb.Length} bytes has as many pixel values, found {pixelValues.Length}.", nameof(pixelValues));
        }

        int pixels = rgb.Length / ImageGeometry.Channels;
        for (int channel = 0; channel < ImageGeometry.Channels; channel++)
        {
            ReadOnlySpan<float> table = _table.AsSpan(channel * Levels, Levels);
            Span<float> plane = pixelValues.Slice(channel * pixels, pixels);
            for (int i = 0; i < plane.Length; i++)
            {
                plane[i] = table[rgb[(i * ImageGeometry.Channels) + channel]];
            }
        }
    }
}
