using BitVla.Contracts;

namespace BitVla.Transport.Cameras;

/// <summary>Turns the bytes of an image file into a frame.</summary>
public interface IImageDecoder
{
    /// <summary>Decodes a PNG or JPEG file.</summary>
    /// <remarks>
    /// Shape: the frame is u8 [H, W, 3]. Transparency is dropped (the stored colours stay as they are), greyscale and
    /// palettes become RGB, 16-bit samples keep their upper byte.
    /// </remarks>
    /// <param name="camera">Name given to the frame.</param>
    /// <param name="encoded">The whole file.</param>
    /// <param name="limits">What is refused before memory is spent on it.</param>
    /// <exception cref="ImageDecodeException">The bytes are not an image within the limits; no other exception leaves for any bytes.</exception>
    CameraFrame Decode(string camera, ReadOnlyMemory<byte> encoded, ImageLimits limits);
}
