namespace BitVla.Contracts;

/// <summary>One picture of one camera.</summary>
/// <remarks>Shape: <see cref="Rgb"/> u8 [Height, Width, 3], top row first. Units: grey levels 0..255.</remarks>
public sealed class CameraFrame
{
    /// <summary>Creates a frame over pixels that must not change while it is used.</summary>
    /// <exception cref="ArgumentException">The pixel count does not match the size.</exception>
    public CameraFrame(string camera, int width, int height, ReadOnlyMemory<byte> rgb, TimeSpan captureTime = default)
    {
        if (width <= 0 || height <= 0 || (long)width * height * 3 != rgb.Length)
        {
            throw new ArgumentException($"A frame of {width}x{height} has {(long)width * height * 3} bytes, found {rgb.Length}.", nameof(rgb));
        }

        Camera = camera;
        Width = width;
        Height = height;
        Rgb = rgb;
        CaptureTime = captureTime;
    }

    /// <summary>The camera's name as the model file spells it.</summary>
    public string Camera { get; }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Red, green, blue bytes, row-major.</summary>
    public ReadOnlyMemory<byte> Rgb { get; }

    /// <summary>Monotonic time at which the sensor saw it; zero when unknown.</summary>
    public TimeSpan CaptureTime { get; }
}
