using System.IO.Compression;

namespace BitVla.Transport.Cameras;

/// <summary>Inflates a PNG's pixel data into nothing, to see that it has the size its header promises.</summary>
/// <remarks>
/// StbImageSharp inflates all data before it looks at the size, doubling its buffer: 32 MiB of zeros made by deflate
/// would ask for 32 GiB. This walk costs a second inflation (a few milliseconds at 1280x720) and no memory.
/// Source: PNG (ISO/IEC 15948) clauses 8 (interlacing) and 11.2 (critical chunks).
/// </remarks>
internal static class PngDataCheck
{
    // CgBI marks Apple's variant, which Stb would inflate without a header, past this check.
    private const uint AppleVariant = 0x43674249;

    public static void Check(byte[] file, ImageHeader header)
    {
        using var data = new MemoryStream();
        long expected = 0;
        for (var chunks = new PngChunks(file); chunks.MoveNext();)
        {
            switch (chunks.Type)
            {
                case PngChunks.Header when expected == 0:
                    expected = InflatedBytes(chunks.Body, header);
                    break;
                case PngChunks.Header or AppleVariant:
                    throw new ImageDecodeException("one PNG header", $"chunk 0x{chunks.Type:X8} after it");
                case PngChunks.ImageData:
                    data.Write(chunks.Body);
                    break;
            }
        }

        long found = Inflate(data, expected);
        if (found != expected)
        {
            throw new ImageDecodeException($"{expected} bytes of PNG pixel data", found > expected ? "more" : $"{found}");
        }
    }

    private static long Inflate(MemoryStream data, long expected)
    {
        data.Position = 0;
        Span<byte> sink = stackalloc byte[4096];
        long total = 0;
        try
        {
            using var inflater = new ZLibStream(data, CompressionMode.Decompress);
            for (int read = inflater.Read(sink); read > 0 && total <= expected; read = inflater.Read(sink))
            {
                total += read;
            }
        }
        catch (InvalidDataException problem)
        {
            throw new ImageDecodeException("intact PNG pixel data", "data that does not inflate", problem);
        }

        return total;
    }

    private static long InflatedBytes(ReadOnlySpan<byte> body, ImageHeader header)
    {
        int depth = body[8], colour = body[9], interlace = body[12];
        int channels = colour switch
        {
            0 or 3 => 1,
            2 => 3,
            4 => 2,
            6 => 4,
            _ => throw new ImageDecodeException("PNG colour type 0, 2, 3, 4 or 6", $"{colour}"),
        };
        if (depth is not (1 or 2 or 4 or 8 or 16) || interlace > 1)
        {
            throw new ImageDecodeException("PNG bit depth 1, 2, 4, 8 or 16 and interlace 0 or 1", $"depth {depth}, interlace {interlace}");
        }

        int bits = depth * channels;
        if (interlace == 0)
        {
            return PassBytes(header.Width, header.Height, bits);
        }

        // Adam7: each pass takes pixels from (x, y) on, in steps.
        ReadOnlySpan<byte> firstX = [0, 4, 0, 2, 0, 1, 0], firstY = [0, 0, 4, 0, 2, 0, 1];
        ReadOnlySpan<byte> stepX = [8, 8, 4, 4, 2, 2, 1], stepY = [8, 8, 8, 4, 4, 2, 2];
        long total = 0;
        for (int pass = 0; pass < firstX.Length; pass++)
        {
            total += PassBytes(
                (header.Width - firstX[pass] + stepX[pass] - 1) / stepX[pass],
                (header.Height - firstY[pass] + stepY[pass] - 1) / stepY[pass],
                bits);
        }

        return total;
    }

    // One byte a row names its filter; a pass without columns has no rows either.
    private static long PassBytes(int width, int height, int bits) =>
        width <= 0 || height <= 0 ? 0 : height * (1 + (((long)width * bits) + 7) / 8);
}
