using System.Buffers.Binary;
using System.IO.Hashing;

namespace BitVla.Transport.Cameras;

/// <summary>Walks the chunks of a PNG file; a chunk that leaves the file is refused.</summary>
internal ref struct PngChunks(ReadOnlySpan<byte> file)
{
    public const uint Header = 0x49484452; // IHDR
    public const uint ImageData = 0x49444154; // IDAT
    public const uint End = 0x49454E44; // IEND
    public const int HeaderLength = 13;

    private const int SignatureLength = 8;
    private const int LengthAndType = 8;
    private const int Checksum = 4;

    private readonly ReadOnlySpan<byte> _file = file;
    private int _at = SignatureLength;

    public uint Type { get; private set; }

    public ReadOnlySpan<byte> Body { get; private set; }

    public bool MoveNext()
    {
        if (Type == End)
        {
            return false;
        }

        int left = _file.Length - _at;
        if (left < LengthAndType + Checksum)
        {
            throw new ImageDecodeException("a PNG chunk", $"{left} bytes left");
        }

        uint length = BinaryPrimitives.ReadUInt32BigEndian(_file[_at..]);
        if (length > (uint)(left - LengthAndType - Checksum))
        {
            throw new ImageDecodeException("a PNG chunk inside the file", $"length {length} with {left} bytes left");
        }

        // The decoder behind the seam does not look at checksums; a picture with a flipped bit must not move a robot.
        int end = _at + LengthAndType + (int)length;
        if (Crc32.HashToUInt32(_file[(_at + 4)..end]) != BinaryPrimitives.ReadUInt32BigEndian(_file[end..]))
        {
            throw new ImageDecodeException("a PNG chunk with its checksum", "other bytes");
        }

        Type = BinaryPrimitives.ReadUInt32BigEndian(_file[(_at + 4)..]);
        Body = _file.Slice(_at + LengthAndType, (int)length);
        _at += LengthAndType + (int)length + Checksum;
        return true;
    }
}
