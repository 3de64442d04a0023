using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace BitVla.Format.Gguf;

/// <summary>The directory of a GGUF v3 file: metadata and tensor places, parsed from bytes that stay where they are.</summary>
/// <remarks>
/// Every count is held against the bytes that are left before anything is allocated for it, so a header that claims 2^60
/// entries costs nothing. Source: GGUF specification, version 3, little endian.
/// </remarks>
public sealed unsafe partial class GgufDocument
{
    /// <summary>"GGUF" as a little-endian word.</summary>
    public const uint Magic = 0x46554747;

    /// <summary>The only version read and written.</summary>
    public const uint Version = 3;

    /// <summary>Longest metadata key, bytes.</summary>
    public const int MaxKeyBytes = 256;

    /// <summary>Longest tensor name, bytes; GGUF readers hold names in 64-byte fields with a terminator.</summary>
    public const int MaxTensorNameBytes = 63;

    /// <summary>Most metadata keys.</summary>
    public const int MaxKeys = 4096;

    /// <summary>Most tensors.</summary>
    public const int MaxTensors = 16384;

    /// <summary>Most dimensions of a tensor.</summary>
    public const int MaxDimensions = 4;

    /// <summary>Longest string value, bytes.</summary>
    public const int MaxStringBytes = 1 << 24;

    private const string AlignmentKey = "general.alignment";

    // A directory that is not ours may be large; this bounds the time one parse can take.
    private const long MaxDirectoryBytes = 1L << 28;

    private readonly byte* data;
    private readonly long length;
    private readonly Dictionary<string, GgufValue> metadata = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, GgufValue>> ordered = [];
    private readonly List<GgufTensor> tensors = [];
    private long at;

    private GgufDocument(byte* data, long length, string file)
    {
        this.data = data;
        this.length = length;
        File = file;
    }

    /// <summary>Name for messages.</summary>
    public string File { get; }

    /// <summary>Metadata in file order.</summary>
    public IReadOnlyList<KeyValuePair<string, GgufValue>> Metadata => ordered;

    /// <summary>Tensors in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors => tensors;

    /// <summary>First byte of tensor data: the length of header, metadata, directory and padding.</summary>
    public long DataStart { get; private set; }

    /// <summary>Alignment of tensor data, bytes.</summary>
    public int Alignment { get; private set; } = 32;

    /// <summary>Parses the directory at the start of a file's bytes.</summary>
    /// <exception cref="ArtifactException">The bytes are not a GGUF v3 directory.</exception>
    public static GgufDocument Parse(byte* data, long length, string file)
    {
        var document = new GgufDocument(data, length, file);
        document.Read();
        return document;
    }

    private void Read()
    {
        if (length < 4 || ReadUInt32("magic") != Magic)
        {
            throw Wrong(ArtifactError.BadMagic, "magic", "GGUF", "other bytes", 0);
        }

        uint version = ReadUInt32("version");
        if (version != Version)
        {
            throw Wrong(ArtifactError.UnsupportedVersion, "version", "GGUF 3", version.ToString(CultureInfo.InvariantCulture), 4);
        }

        int tensorCount = ReadCount("tensor_count", MaxTensors, 8 + 4 + 8 + 4 + 8);
        int keyCount = ReadCount("metadata_kv_count", MaxKeys, 8 + 4 + 1);
        for (int i = 0; i < keyCount; i++)
        {
            ReadKeyValue();
        }

        if (TryGet(AlignmentKey, out _))
        {
            Alignment = UInt32(AlignmentKey, 8, 1 << 16);
            if (!int.IsPow2(Alignment))
            {
                throw Wrong(ArtifactError.InvalidValue, AlignmentKey, "a power of two", $"{Alignment}", null);
            }
        }

        var entries = new List<(string Name, GgufTensorType Type, long[] Dimensions, long Offset, long Bytes, long At)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < tensorCount; i++)
        {
            var entry = ReadTensor();
            if (!names.Add(entry.Name))
            {
                throw Wrong(ArtifactError.Duplicate, entry.Name, "one tensor of this name", "two", entry.At);
            }

            entries.Add(entry);
        }

        DataStart = Align(at);
        if (DataStart > length)
        {
            throw Wrong(ArtifactError.Truncated, "padding", $"{DataStart} bytes", $"{length}", length);
        }

        foreach (var e in entries)
        {
            // Both are non-negative and below 2^62, so the sum cannot wrap.
            if (e.Offset > length - DataStart || e.Bytes > length - DataStart - e.Offset)
            {
                throw Wrong(ArtifactError.Truncated, e.Name, $"{e.Bytes} bytes from {DataStart + e.Offset}", $"a file of {length} bytes", e.At);
            }

            if (e.Offset % Alignment != 0)
            {
                throw Wrong(ArtifactError.BadOffset, e.Name, $"a multiple of {Alignment}", $"{e.Offset}", e.At);
            }

            tensors.Add(new GgufTensor(e.Name, e.Type, e.Dimensions, DataStart + e.Offset, e.Bytes));
        }
    }

    private long Align(long value) => (value + Alignment - 1) & -(long)Alignment;

    private void ReadKeyValue()
    {
        long start = at;
        string key = ReadName("metadata key", MaxKeyBytes);
        var type = ReadValueType(key);
        GgufValue value;
        switch (type)
        {
            case GgufValueType.String:
                long bytes = ReadLength(key, MaxStringBytes);
                value = new GgufValue(type, type, 1, at, bytes);
                at += bytes;
                break;
            case GgufValueType.Array:
                value = ReadArray(key);
                break;
            default:
                int width = GgufValue.FixedWidth(type);
                Need(key, width);
                value = new GgufValue(type, type, 1, at, width);
                at += width;
                break;
        }

        if (!metadata.TryAdd(key, value))
        {
            throw Wrong(ArtifactError.Duplicate, key, "one value", "two", start);
        }

        ordered.Add(new(key, value));
    }

    private GgufValue ReadArray(string key)
    {
        var element = ReadValueType(key);
        if (element == GgufValueType.Array)
        {
            throw Wrong(ArtifactError.Unsupported, key, "an array of scalars or strings", "an array of arrays", at);
        }

        long countAt = at;
        ulong count = ReadUInt64(key);
        int width = GgufValue.FixedWidth(element);
        ulong left = (ulong)(length - at);
        if (count > left / (ulong)(width == 0 ? 8 : width))
        {
            throw Wrong(ArtifactError.Truncated, key, $"{count} elements", $"{left} bytes left in the file", countAt);
        }

        long start = at;
        if (width != 0)
        {
            Need(key, (long)count * width);
            at += (long)count * width;
        }
        else
        {
            for (ulong i = 0; i < count; i++)
            {
                // Two statements: in "at += ReadLength()" the old value of at is read before ReadLength moves it.
                long bytes = ReadLength(key, MaxStringBytes);
                at += bytes;
            }
        }

        return new GgufValue(GgufValueType.Array, element, (long)count, start, at - start);
    }

    private (string Name, GgufTensorType Type, long[] Dimensions, long Offset, long Bytes, long At) ReadTensor()
    {
        long start = at;
        string name = ReadName("tensor name", MaxTensorNameBytes);
        uint rank = ReadUInt32(name);
        if (rank is < 1 or > MaxDimensions)
        {
            throw Wrong(ArtifactError.WrongShape, name, $"1 to {MaxDimensions} dimensions", $"{rank}", start);
        }

        var dimensions = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            ulong size = ReadUInt64(name);
            if (size is 0 or > long.MaxValue)
            {
                throw Wrong(ArtifactError.WrongShape, name, "positive sizes", $"{size}", start);
            }

            dimensions[i] = (long)size;
        }

        uint rawType = ReadUInt32(name);
        ulong offset = ReadUInt64(name);
        int width = GgufTensorTypes.ElementBytes((GgufTensorType)rawType);
        if (width == 0)
        {
            throw Wrong(ArtifactError.WrongType, name, "F32, I8, I64 or BF16", $"type {rawType}", start);
        }

        UInt128 bytes = (UInt128)width;
        foreach (long size in dimensions)
        {
            // Stops well below UInt128 overflow: each factor is below 2^63 and the product is checked after each.
            bytes *= (UInt128)size;
            if (bytes > (UInt128)length)
            {
                throw Wrong(ArtifactError.Truncated, name, $"a tensor of [{string.Join(", ", dimensions)}]", $"a file of {length} bytes", start);
            }
        }

        if (offset > (ulong)length)
        {
            throw Wrong(ArtifactError.Truncated, name, $"data at {offset}", $"a file of {length} bytes", start);
        }

        return (name, (GgufTensorType)rawType, dimensions, (long)offset, (long)bytes, start);
    }

    private GgufValueType ReadValueType(string key)
    {
        uint raw = ReadUInt32(key);
        return raw <= (uint)GgufValueType.Float64
            ? (GgufValueType)raw
            : throw Wrong(ArtifactError.WrongType, key, "a GGUF value type, 0 to 12", $"{raw}", at - 4);
    }

    private string ReadName(string what, int limit)
    {
        long start = at;
        long bytes = ReadLength(what, limit);
        string name = DecodeUtf8(new ReadOnlySpan<byte>(data + at, (int)bytes), what, start);
        at += bytes;
        return name.Length > 0 ? name : throw Wrong(ArtifactError.Malformed, what, "a name", "no bytes", start);
    }

    private long ReadLength(string what, int limit)
    {
        long start = at;
        ulong bytes = ReadUInt64(what);
        if (bytes > (ulong)limit)
        {
            throw Wrong(ArtifactError.LimitExceeded, what, $"at most {limit} bytes", $"{bytes}", start);
        }

        Need(what, (long)bytes);
        return (long)bytes;
    }

    private int ReadCount(string what, int limit, int leastBytes)
    {
        long start = at;
        ulong count = ReadUInt64(what);
        if (count > (ulong)limit)
        {
            throw Wrong(ArtifactError.LimitExceeded, what, $"at most {limit}", $"{count}", start);
        }

        Need(what, (long)count * leastBytes);
        return (int)count;
    }

    private uint ReadUInt32(string what)
    {
        Need(what, 4);
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(data + at, 4));
        at += 4;
        return value;
    }

    private ulong ReadUInt64(string what)
    {
        Need(what, 8);
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(data + at, 8));
        at += 8;
        return value;
    }

    private void Need(string what, long bytes)
    {
        if (bytes > length - at)
        {
            ThrowTruncated(what, bytes);
        }

        // Every byte of the directory passes here, whatever it belongs to.
        if (bytes > MaxDirectoryBytes - at)
        {
            ThrowTooLong(what, bytes);
        }
    }

    [DoesNotReturn]
    private void ThrowTruncated(string what, long bytes) =>
        throw Wrong(ArtifactError.Truncated, what, $"{bytes} more bytes", $"{length - at} left in the file", at);

    [DoesNotReturn]
    private void ThrowTooLong(string what, long bytes) =>
        throw Wrong(ArtifactError.LimitExceeded, what, $"a directory of at most {MaxDirectoryBytes} bytes", $"{at + bytes} or more", at);

    private string DecodeUtf8(ReadOnlySpan<byte> bytes, string what, long offset)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException cause)
        {
            throw new ArtifactException(ArtifactError.Malformed, File, what, "UTF-8", "other bytes", offset, cause);
        }
    }

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
}
