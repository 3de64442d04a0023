namespace BitVla.Model.Preprocessing;

/// <summary>Limits and small moves shared by the image stages.</summary>
public static class ImageGeometry
{
    /// <summary>Channels of every image here: red, green, blue.</summary>
    public const int Channels = 3;

    /// <summary>The longest side of a frame the preparation takes.</summary>
    /// <remarks>Units: pixels. No camera of the supported boards exceeds it; it bounds the scratch memory to about 100 MB.</remarks>
    public const int MaximumSide = 4096;

    /// <summary>Turns an image by 180 degrees: rows and columns reversed.</summary>
    /// <remarks>
    /// Shape: source u8 [H, W, 3], destination the same; they must not overlap.
    /// Numerics: exact.
    /// Source: get_libero_image, ustcwhy/BitVLA, openvla-oft/experiments/robot/libero/libero_utils.py.
    /// </remarks>
    /// <exception cref="ArgumentException">The lengths differ or are no whole number of pixels.</exception>
    public static void Rotate180(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.Length != destination.Length || source.Length % Channels != 0)
        {
            throw new ArgumentException(
                $"Rotation needs two images of one size, found {source.Length} and {destination.Length} bytes.", nameof(destination));
        }

        // Reversing rows and columns is reversing the order of all pixels.
        for (int from = 0, to = source.Length - Channels; from < source.Length; from += Channels, to -= Channels)
        {
            destination[to] = source[from];
            destination[to + 1] = source[from + 1];
            destination[to + 2] = source[from + 2];
        }
    }

    internal static void CheckImage(int width, int height, int length, string name)
    {
        if (width is < 1 or > MaximumSide || height is < 1 or > MaximumSide)
        {
            throw new ArgumentException($"An image has sides of 1 to {MaximumSide} pixels, found {width}x{height}.", name);
        }

        if (length != width * height * Channels)
        {
            throw new ArgumentException($"An image of {width}x{height} has {width * height * Channels} bytes, found {length}.", name);
        }
    }

    /// <summary>Keeps the buffer when it is long enough, so that only a larger frame than any before allocates.</summary>
    internal static void Grow<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new T[length];
        }
    }
}
