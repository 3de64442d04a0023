using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.Compression;

namespace BitVla.Transport.Tests.Cameras;

/// <summary>Writes PNG files, good and bad; checksums of chunks are left zero, as our decoder does not read them.</summary>
internal static class PngWriter
{
    /// <summary>A file of one header, an optional palette and one data chunk.</summary>
    /// <param name="rows">The rows as stored, each with its filter byte.</param>
    public static byte[] Write(int width, int height, int depth, int colourType, byte[] rows, byte[]? palette = null, int interlace = 0)
    {
        using var compressed = new MemoryStream();
        using (var deflater = new ZLibStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflater.Write(rows);
        }

        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = ((byte)depth, (byte)colourType, (byte)interlace);
        byte[] paletteChunk = palette is null ? [] : Chunk("PLTE", palette);
        return [0x89, .. "PNG\r\n\x1A\n"u8, .. Chunk("IHDR", header), .. paletteChunk, .. Chunk("IDAT", compressed.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>Puts filter type 0 before each row.</summary>
    public static byte[] Unfiltered(byte[] pixels, int rowBytes) => [.. pixels.Chunk(rowBytes).SelectMany(row => (byte[])[0, .. row])];

    public static byte[] Chunk(string type, byte[] body)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length);
        byte[] summed = [.. System.Text.Encoding.ASCII.GetBytes(type), .. body];
        byte[] checksum = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(checksum, Crc32.HashToUInt32(summed));
        return [.. length, .. summed, .. checksum];
    }

    /// <summary>Makes the checksums right again after a mutation, as far as the chunks can still be walked.</summary>
    public static void MakeChecksums(Span<byte> file)
    {
        for (int at = 8; at + 12 <= file.Length;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12)
            {
                return;
            }

            int end = at + 8 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(file[end..], Crc32.HashToUInt32(file[(at + 4)..end]));
            at = end + 4;
        }
    }
}
