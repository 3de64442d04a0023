using System.Runtime.InteropServices;
using BitVla.Contracts;
using StbImageSharp;

namespace BitVla.Transport.Cameras;

/// <summary>Decodes PNG and JPEG with StbImageSharp, behind checks of our own.</summary>
/// <remarks>
/// Why this library, and what it costs: docs/decisions/0003-image-decoding.md. Its JPEG pixels differ from libjpeg's by
/// rounding and chroma up-sampling; what must be exact to the pixel arrives as PNG.
/// Thread-safe: no state.
/// </remarks>
public sealed class StbImageDecoder : IImageDecoder
{
    /// <inheritdoc/>
    public CameraFrame Decode(string camera, ReadOnlyMemory<byte> encoded, ImageLimits limits)
    {
        ArgumentNullException.ThrowIfNull(camera);
        ArgumentNullException.ThrowIfNull(limits);
        if (encoded.Length > limits.MaximumEncodedBytes)
        {
            throw new ImageDecodeException($"at most {limits.MaximumEncodedBytes} encoded bytes", $"{encoded.Length}");
        }

        ImageHeader header = ImageHeader.Read(encoded.Span, limits);
        byte[] file = WholeArray(encoded);
        if (header.Kind == ImageKind.Png)
        {
            PngDataCheck.Check(file, header);
        }

        ImageResult image = DecodeChecked(file, header);
        if (image.Width != header.Width || image.Height != header.Height || image.Data.Length != (long)header.Width * header.Height * 3)
        {
            throw new ImageDecodeException($"{header.Width}x{header.Height} RGB pixels", $"{image.Width}x{image.Height}, {image.Data.Length} bytes");
        }

        return new CameraFrame(camera, image.Width, image.Height, image.Data);
    }

    // Nearly always the message's own array; a slice of a larger one is copied.
    private static byte[] WholeArray(ReadOnlyMemory<byte> encoded) =>
        MemoryMarshal.TryGetArray(encoded, out ArraySegment<byte> segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : encoded.ToArray();

    private static ImageResult DecodeChecked(byte[] file, ImageHeader header)
    {
        try
        {
            return ImageResult.FromMemory(file, ColorComponents.RedGreenBlue)
                ?? throw new ImageDecodeException($"a {header.Kind} image", "nothing");
        }
#pragma warning disable CA1031 // The library is a port of C and throws whatever its broken input leads to.
        catch (Exception problem) when (problem is not (ImageDecodeException or OutOfMemoryException))
#pragma warning restore CA1031
        {
            throw new ImageDecodeException($"an intact {header.Kind} image", $"a broken one ({problem.Message})", problem);
        }
    }
}
