using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace BitVla.Edge.Host.Demo;

/// <summary>Pictures of a table with a bowl that wanders, drawn by arithmetic and written as PNG.</summary>
internal static class DemoPictures
{
    // Not 224: so that the whole preparation of a camera's picture runs.
    private const int Side = 256;
    private const int BowlRadius = 28;
    private const int ColourType = 2;
    private const int BitDepth = 8;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The picture of a camera at a step; the same bytes on every machine.</summary>
    public static byte[] Render(int camera, uint step)
    {
        int stride = 1 + (3 * Side);
        var rows = new byte[stride * Side];
        int centreX = (Side / 4) + (int)((7 * step + 60 * (uint)camera) % (Side / 2));
        int centreY = (Side / 2) + (camera * 20);
        for (int y = 0; y < Side; y++)
        {
            var row = rows.AsSpan((y * stride) + 1, 3 * Side);
            for (int x = 0; x < Side; x++)
            {
                var (red, green, blue) = Colour(x, y, centreX, centreY);
                row[3 * x] = red;
                row[(3 * x) + 1] = green;
                row[(3 * x) + 2] = blue;
            }
        }

        return Encode(rows);
    }

    private static (byte Red, byte Green, byte Blue) Colour(int x, int y, int centreX, int centreY)
    {
        int dx = x - centreX;
        int dy = y - centreY;
        int distance = (dx * dx) + (dy * dy);
        return distance < BowlRadius * BowlRadius * 3 / 4 ? ((byte)20, (byte)20, (byte)24)
            : distance < BowlRadius * BowlRadius ? ((byte)200, (byte)190, (byte)180)
            : y < Side / 3 ? ((byte)(120 + (x / 8)), (byte)140, (byte)150)
            : ((byte)(150 + (y / 4)), (byte)(110 + (y / 6)), (byte)(70 + (x / 16)));
    }

    private static byte[] Encode(byte[] rows)
    {
        var png = new MemoryStream();
        png.Write(Signature);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Side);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Side);
        header[8] = BitDepth;
        header[9] = ColourType;
        WriteChunk(png, "IHDR"u8, header);
        var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(rows);
        }

        WriteChunk(png, "IDAT"u8, data.ToArray());
        WriteChunk(png, "IEND"u8, []);
        return png.ToArray();
    }

    private static void WriteChunk(MemoryStream png, ReadOnlySpan<byte> type, byte[] body)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, body.Length);
        png.Write(word);
        png.Write(type);
        png.Write(body);
        var sum = new Crc32();
        sum.Append(type);
        sum.Append(body);
        BinaryPrimitives.WriteUInt32BigEndian(word, sum.GetCurrentHashAsUInt32());
        png.Write(word);
    }
}
