using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>A member of a zip archive: where its bytes are, checked against the archive's length.</summary>
internal sealed record ZipMember(string Name, bool Deflated, uint Crc32, long StoredBytes, long Bytes, long HeaderOffset, long DataOffset);

/// <summary>The central directory of a zip archive, as torch writes them, read with every size checked first.</summary>
/// <remarks>
/// Own reader instead of ZipArchive: that one lists whatever the directory claims, checks no CRC-32 and cannot read a stored
/// member by position. Members are stored or deflated, never encrypted, and may not overlap. Source: PKWARE APPNOTE 6.3.
/// </remarks>
internal sealed class ZipDirectory
{
    private const int MaxMembers = 4096;
    private const int MaxDirectoryBytes = 1 << 20;
    private const int EndBytes = 22;
    private const int LocatorBytes = 20;
    private const int End64Bytes = 56;
    private const int CentralBytes = 46;
    private const int LocalBytes = 30;

    // No deflate stream expands by more than 1032; a claim beyond that is a lie told before the first byte is read.
    private const long MaxExpansion = 1032;

    private readonly SourceFile source;

    private ZipDirectory(SourceFile source, IReadOnlyDictionary<string, ZipMember> members)
    {
        this.source = source;
        Members = members;
    }

    /// <summary>Members by full name.</summary>
    public IReadOnlyDictionary<string, ZipMember> Members { get; }

    /// <summary>Reads the directory.</summary>
    public static ZipDirectory Read(SourceFile source)
    {
        var (count, bytes, offset) = FindDirectory(source);
        byte[] directory = new byte[bytes];
        source.ReadExactly(directory, offset, "central directory");
        var members = new Dictionary<string, ZipMember>(StringComparer.Ordinal);
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            var member = Central(source, directory, offset, ref at);
            if (!members.TryAdd(member.Name, member))
            {
                throw new ArtifactException(ArtifactError.Duplicate, source.Path, member.Name, "one member of a name", "two");
            }
        }

        if (at != bytes)
        {
            throw new ArtifactException(ArtifactError.Contradiction, source.Path, "central directory", $"{bytes} bytes", $"{at}", offset);
        }

        CheckOverlap(source, members.Values, offset);
        return new ZipDirectory(source, members);
    }

    /// <summary>Opens a member's bytes.</summary>
    public Stream Open(ZipMember member)
    {
        var stored = new SliceStream(source, member.DataOffset, member.StoredBytes);
        return member.Deflated ? new DeflateStream(stored, CompressionMode.Decompress) : stored;
    }

    /// <summary>Reads a member once and holds length and CRC-32 against the directory.</summary>
    public void Verify(ZipMember member)
    {
        const int PieceBytes = 1 << 16;
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            using var stream = Open(member);
            var crc = new Crc32();
            long length = 0;
            for (int read; (read = stream.Read(piece, 0, PieceBytes)) > 0;)
            {
                crc.Append(piece.AsSpan(0, read));
                length += read;
                if (length > member.Bytes)
                {
                    throw Wrong(ArtifactError.Contradiction, member, $"{member.Bytes} bytes", "more");
                }
            }

            if (length != member.Bytes)
            {
                throw Wrong(ArtifactError.Truncated, member, $"{member.Bytes} bytes", $"{length}");
            }

            uint found = crc.GetCurrentHashAsUInt32();
            if (found != member.Crc32)
            {
                throw Wrong(ArtifactError.ChecksumMismatch, member, $"CRC-32 {member.Crc32:x8}", $"{found:x8}");
            }
        }
        catch (InvalidDataException cause)
        {
            throw new ArtifactException(ArtifactError.Malformed, source.Path, member.Name, "deflated data", cause.Message, member.DataOffset, cause);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private ArtifactException Wrong(ArtifactError error, ZipMember member, string expected, string found) =>
        new(error, source.Path, member.Name, expected, found, member.DataOffset);

    private static (int Count, int Bytes, long Offset) FindDirectory(SourceFile source)
    {
        Span<byte> magic = stackalloc byte[4];
        if (source.Length < EndBytes)
        {
            throw new ArtifactException(ArtifactError.Truncated, source.Path, "zip archive", $"at least {EndBytes} bytes", $"{source.Length}");
        }

        source.ReadExactly(magic, 0, "zip archive");
        if (!magic.SequenceEqual("PK\x03\x04"u8) && !magic.SequenceEqual("PK\x05\x06"u8))
        {
            throw new ArtifactException(ArtifactError.BadMagic, source.Path, "zip archive", "PK, as torch.save writes", Convert.ToHexStringLower(magic), 0);
        }

        byte[] tail = new byte[(int)Math.Min(source.Length, EndBytes + ushort.MaxValue)];
        long tailStart = source.Length - tail.Length;
        source.ReadExactly(tail, tailStart, "zip archive");
        int at = tail.Length - EndBytes;
        while (at >= 0 && !(tail.AsSpan(at, 4).SequenceEqual("PK\x05\x06"u8) && U16(tail, at + 20) == tail.Length - at - EndBytes))
        {
            at--;
        }

        if (at < 0)
        {
            throw new ArtifactException(ArtifactError.Truncated, source.Path, "end of central directory", "the record that ends a zip archive", "none");
        }

        long end = tailStart + at;
        ulong count = (ulong)U16(tail, at + 10);
        ulong bytes = U32(tail, at + 12);
        ulong offset = U32(tail, at + 16);
        if (U16(tail, at + 4) != 0 || U16(tail, at + 6) != 0 || (ulong)U16(tail, at + 8) != count)
        {
            throw new ArtifactException(ArtifactError.Unsupported, source.Path, "end of central directory", "an archive of one piece", "several", end);
        }

        // torch's writer adds zip64 records to every archive, small ones too.
        if (at >= LocatorBytes && tail.AsSpan(at - LocatorBytes, 4).SequenceEqual("PK\x06\x07"u8))
        {
            var wide = ReadEnd64(source, U64(tail, at - LocatorBytes + 8));
            if ((count != ushort.MaxValue && count != wide.Count) || (bytes != uint.MaxValue && bytes != wide.Bytes)
                || (offset != uint.MaxValue && offset != wide.Offset))
            {
                throw new ArtifactException(
                    ArtifactError.Contradiction, source.Path, "zip64 end of central directory", $"{count}, {bytes}, {offset}", $"{wide.Count}, {wide.Bytes}, {wide.Offset}", end);
            }

            (count, bytes, offset) = wide;
        }

        if (count > MaxMembers || bytes > MaxDirectoryBytes)
        {
            throw new ArtifactException(
                ArtifactError.LimitExceeded, source.Path, "central directory", $"at most {MaxMembers} members in {MaxDirectoryBytes} bytes", $"{count} in {bytes}", end);
        }

        if (offset > (ulong)end || bytes > (ulong)end - offset)
        {
            throw new ArtifactException(ArtifactError.BadOffset, source.Path, "central directory", $"a place before {end}", $"{bytes} bytes at {offset}", end);
        }

        return ((int)count, (int)bytes, (long)offset);
    }

    private static (ulong Count, ulong Bytes, ulong Offset) ReadEnd64(SourceFile source, ulong offset)
    {
        if (offset > (ulong)source.Length || (ulong)source.Length - offset < End64Bytes)
        {
            throw new ArtifactException(ArtifactError.BadOffset, source.Path, "zip64 end of central directory", "a place inside the file", $"{offset}");
        }

        byte[] record = new byte[End64Bytes];
        source.ReadExactly(record, (long)offset, "zip64 end of central directory");
        return record.AsSpan(0, 4).SequenceEqual("PK\x06\x06"u8)
            ? (U64(record, 32), U64(record, 40), U64(record, 48))
            : throw new ArtifactException(ArtifactError.Malformed, source.Path, "zip64 end of central directory", "its signature", "other bytes", (long)offset);
    }

    private static ZipMember Central(SourceFile source, byte[] directory, long directoryOffset, ref int at)
    {
        int start = at;
        if (directory.Length - at < CentralBytes || !directory.AsSpan(at, 4).SequenceEqual("PK\x01\x02"u8))
        {
            throw new ArtifactException(ArtifactError.Malformed, source.Path, "central directory", "a member's record", "other bytes", directoryOffset + at);
        }

        int nameBytes = U16(directory, at + 28);
        int extraBytes = U16(directory, at + 30);
        int commentBytes = U16(directory, at + 32);
        if (directory.Length - at - CentralBytes < nameBytes + extraBytes + commentBytes)
        {
            throw new ArtifactException(ArtifactError.Truncated, source.Path, "central directory", "a whole record", "its beginning", directoryOffset + at);
        }

        var nameSpan = directory.AsSpan(at + CentralBytes, nameBytes);
        string name = Encoding.UTF8.GetString(nameSpan);
        int flags = U16(directory, at + 8);
        int method = U16(directory, at + 10);
        ulong stored = U32(directory, at + 20);
        ulong bytes = U32(directory, at + 24);
        ulong header = U32(directory, at + 42);
        Widen(directory.AsSpan(at + CentralBytes + nameBytes, extraBytes), ref bytes, ref stored, ref header);
        at += CentralBytes + nameBytes + extraBytes + commentBytes;

        if ((flags & 0x41) != 0 || method is not (0 or 8))
        {
            throw new ArtifactException(
                ArtifactError.Unsupported, source.Path, name, "a stored or deflated member, not encrypted", $"method {method}, flags {flags:x}", directoryOffset + start);
        }

        ulong limit = (ulong)directoryOffset;
        if (header > limit || limit - header < LocalBytes)
        {
            throw new ArtifactException(ArtifactError.BadOffset, source.Path, name, $"a header before {limit}", $"{header}", directoryOffset + start);
        }

        Span<byte> local = stackalloc byte[LocalBytes];
        source.ReadExactly(local, (long)header, name);
        if (!local[..4].SequenceEqual("PK\x03\x04"u8) || BinaryPrimitives.ReadUInt16LittleEndian(local[26..]) != nameBytes)
        {
            throw new ArtifactException(ArtifactError.Contradiction, source.Path, name, "a local header like the directory's", "another", (long)header);
        }

        byte[] localName = new byte[nameBytes];
        source.ReadExactly(localName, (long)header + LocalBytes, name);
        if (!nameSpan.SequenceEqual(localName))
        {
            throw new ArtifactException(ArtifactError.Contradiction, source.Path, name, "the same name in the local header", "another", (long)header);
        }

        ulong data = header + LocalBytes + (ulong)nameBytes + BinaryPrimitives.ReadUInt16LittleEndian(local[28..]);
        if (data > limit || stored > limit - data)
        {
            throw new ArtifactException(ArtifactError.Truncated, source.Path, name, $"data before {limit}", $"{stored} bytes at {data}", (long)header);
        }

        bool fits = method == 0 ? bytes == stored : bytes <= stored * MaxExpansion + 64;
        return fits
            ? new ZipMember(name, method == 8, U32(directory, start + 16), (long)stored, (long)bytes, (long)header, (long)data)
            : throw new ArtifactException(ArtifactError.LimitExceeded, source.Path, name, $"a size that {stored} bytes can hold", $"{bytes}", directoryOffset + start);
    }

    // The zip64 extra field carries, in this order, only what did not fit.
    private static void Widen(ReadOnlySpan<byte> extra, ref ulong bytes, ref ulong stored, ref ulong header)
    {
        while (extra.Length >= 4)
        {
            int id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            int size = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            var field = extra.Slice(4, size);
            if (id == 1)
            {
                Take(ref field, ref bytes);
                Take(ref field, ref stored);
                Take(ref field, ref header);
                return;
            }

            extra = extra[(4 + size)..];
        }

        static void Take(ref ReadOnlySpan<byte> field, ref ulong value)
        {
            if (value == uint.MaxValue && field.Length >= 8)
            {
                value = BinaryPrimitives.ReadUInt64LittleEndian(field);
                field = field[8..];
            }
        }
    }

    private static void CheckOverlap(SourceFile source, IEnumerable<ZipMember> members, long directoryOffset)
    {
        long due = 0;
        foreach (var member in members.OrderBy(m => m.HeaderOffset))
        {
            if (member.HeaderOffset < due)
            {
                throw new ArtifactException(ArtifactError.BadOffset, source.Path, member.Name, $"a place after {due}", $"{member.HeaderOffset}, inside another member");
            }

            due = member.DataOffset + member.StoredBytes;
        }

        if (due > directoryOffset)
        {
            throw new ArtifactException(ArtifactError.BadOffset, source.Path, "central directory", $"a place after {due}", $"{directoryOffset}");
        }
    }

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
