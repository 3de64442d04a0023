using System.Buffers.Binary;

namespace BitVla.Transport.Cameras;

/// <summary>The kinds of file we decode.</summary>
internal enum ImageKind
{
    Png,
    Jpeg,
}

/// <summary>Size and kind of an encoded image, read without decoding it.</summary>
/// <remarks>
/// The walk is stricter than the decoder behind it: every chunk or segment up to the pixels lies inside the file, in the
/// order the standards ask for. So the decoder cannot meet a size that this walk did not see.
/// Source: PNG (ISO/IEC 15948) clause 5; JPEG (ITU-T T.81) annex B.
/// </remarks>
internal readonly record struct ImageHeader(ImageKind Kind, int Width, int Height)
{
    private const byte JpegMarkerPrefix = 0xFF;
    private const byte StartOfImage = 0xD8;
    private const byte EndOfImage = 0xD9;
    private const byte StartOfScan = 0xDA;

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static ImageHeader Read(ReadOnlySpan<byte> file, ImageLimits limits)
    {
        ImageHeader header = file.StartsWith(PngSignature) ? ReadPng(file)
            : file is [JpegMarkerPrefix, StartOfImage, ..] ? ReadJpeg(file)
            : throw new ImageDecodeException("the first bytes of a PNG or JPEG file", FirstBytes(file));
        if (header.Width < 1 || header.Height < 1 || header.Width > limits.MaximumSide || header.Height > limits.MaximumSide)
        {
            throw new ImageDecodeException($"sides of 1 to {limits.MaximumSide} pixels", $"{(uint)header.Width}x{(uint)header.Height}");
        }

        return header;
    }

    private static string FirstBytes(ReadOnlySpan<byte> file) =>
        file.IsEmpty ? "nothing" : Convert.ToHexString(file[..Math.Min(file.Length, 8)]);

    private static ImageHeader ReadPng(ReadOnlySpan<byte> file)
    {
        var chunks = new PngChunks(file);
        if (!chunks.MoveNext() || chunks.Type != PngChunks.Header || chunks.Body.Length != PngChunks.HeaderLength)
        {
            throw new ImageDecodeException("a PNG header chunk of 13 bytes", $"chunk 0x{chunks.Type:X8} of {chunks.Body.Length} bytes");
        }

        ReadOnlySpan<byte> body = chunks.Body;
        // A size beyond int turns negative and meets the same limit.
        return new ImageHeader(ImageKind.Png, BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body[4..]));
    }

    private static ImageHeader ReadJpeg(ReadOnlySpan<byte> file)
    {
        ImageHeader? found = null;
        for (int at = 2; ;)
        {
            byte marker = ReadMarker(file, ref at);
            if (marker == StartOfScan && found is not null)
            {
                CheckScans(file);
                return found.Value;
            }

            ReadOnlySpan<byte> body = ReadSegment(file, ref at, marker);
            if (!IsFrame(marker))
            {
                continue;
            }

            if (marker > 0xC2 || found is not null)
            {
                throw new ImageDecodeException("one baseline or progressive JPEG frame", $"frame marker 0x{marker:X2}");
            }

            if (body.Length < 6)
            {
                throw new ImageDecodeException("a JPEG frame header of 6 bytes and more", $"{body.Length} bytes");
            }

            found = new ImageHeader(
                ImageKind.Jpeg, BinaryPrimitives.ReadUInt16BigEndian(body[3..]), BinaryPrimitives.ReadUInt16BigEndian(body[1..]));
        }
    }

    private static byte ReadMarker(ReadOnlySpan<byte> file, ref int at)
    {
        if (at >= file.Length || file[at] != JpegMarkerPrefix)
        {
            throw new ImageDecodeException("a JPEG marker", at < file.Length ? $"byte 0x{file[at]:X2} at {at}" : "the end of the file");
        }

        // Any number of fill bytes may precede the marker's code.
        while (at < file.Length && file[at] == JpegMarkerPrefix)
        {
            at++;
        }

        return at < file.Length ? file[at++] : throw new ImageDecodeException("a JPEG marker", "the end of the file");
    }

    private static ReadOnlySpan<byte> ReadSegment(ReadOnlySpan<byte> file, ref int at, byte marker)
    {
        // Only restarts, start and end of image stand alone; none has a place before the first scan.
        if (marker is 0 or 1 or (>= 0xD0 and <= EndOfImage))
        {
            throw new ImageDecodeException("a JPEG segment before the first scan", $"marker 0x{marker:X2}");
        }

        int left = file.Length - at;
        int length = left < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(file[at..]);
        if (length < 2 || length > left)
        {
            throw new ImageDecodeException("a JPEG segment inside the file", $"length {length} with {left} bytes left");
        }

        ReadOnlySpan<byte> body = file.Slice(at + 2, length - 2);
        at += length;
        return body;
    }

    // C4, C8 and CC are tables and extensions among the frame markers.
    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);

    private static void CheckScans(ReadOnlySpan<byte> file)
    {
        // Stuffing keeps this pair out of entropy-coded data, so at most a thumbnail inside a comment is counted too.
        int scans = file.Count([JpegMarkerPrefix, StartOfScan]);
        if (scans > ImageLimits.MaximumJpegScans)
        {
            throw new ImageDecodeException($"at most {ImageLimits.MaximumJpegScans} JPEG scans", $"{scans}");
        }
    }
}
