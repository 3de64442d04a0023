using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace BitVla.Format.Gguf;

/// <summary>The directory of a GGUF v3 file: metadata and tensor places, parsed from bytes that stay where they are.</summary>
/// <remarks>
/// Every count is held against the bytes that are left before anything is allocated for it, so a header that claims 2^60
/// entries costs nothing. Source: GGUF specification, version 3, little endian.
/// </remarks>
public sealed unsafe class GgufDocument
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

    /// <summary>Whether a key exists.</summary>
    public bool Has(string key) => metadata.ContainsKey(key);

    /// <summary>The place of a key's value.</summary>
    public bool TryGet(string key, out GgufValue value) => metadata.TryGetValue(key, out value);

    /// <summary>The place of a key's value, of a type.</summary>
    /// <exception cref="ArtifactException">The key is missing or has another type.</exception>
    public GgufValue Require(string key, GgufValueType type)
    {
        if (!metadata.TryGetValue(key, out var value))
        {
            throw Wrong(ArtifactError.Missing, key, $"a value of type {type}", "no such key", null);
        }

        if (value.Type != type)
        {
            throw Wrong(ArtifactError.WrongType, key, type.ToString(), value.Type.ToString(), value.Offset);
        }

        return value;
    }

    /// <summary>The place of an array's elements.</summary>
    /// <exception cref="ArtifactException">The key is missing or is not an array of that type.</exception>
    public GgufValue RequireArray(string key, GgufValueType elementType)
    {
        var value = Require(key, GgufValueType.Array);
        if (value.ElementType != elementType)
        {
            throw Wrong(ArtifactError.WrongType, key, $"an array of {elementType}", $"an array of {value.ElementType}", value.Offset);
        }

        return value;
    }

    /// <summary>A u32 that must lie in a range.</summary>
    public int UInt32(string key, int min, int max)
    {
        var value = Require(key, GgufValueType.UInt32);
        uint number = MemoryMarshal.Read<uint>(Bytes(value));
        if (number < min || number > max)
        {
            throw Wrong(ArtifactError.InvalidValue, key, $"{min} to {max}", number.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        return (int)number;
    }

    /// <summary>A u64.</summary>
    public ulong UInt64(string key) => MemoryMarshal.Read<ulong>(Bytes(Require(key, GgufValueType.UInt64)));

    /// <summary>A finite positive f32.</summary>
    public float PositiveFloat32(string key)
    {
        var value = Require(key, GgufValueType.Float32);
        float number = MemoryMarshal.Read<float>(Bytes(value));
        if (!float.IsFinite(number) || number <= 0)
        {
            throw Wrong(ArtifactError.InvalidValue, key, "a finite positive number", number.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        return number;
    }

    /// <summary>A finite f64.</summary>
    public double Float64(string key)
    {
        var value = Require(key, GgufValueType.Float64);
        double number = MemoryMarshal.Read<double>(Bytes(value));
        if (!double.IsFinite(number))
        {
            throw Wrong(ArtifactError.NonFinite, key, "a finite number", number.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        return number;
    }

    /// <summary>A bool.</summary>
    public bool Bool(string key)
    {
        var value = Require(key, GgufValueType.Bool);
        byte raw = *(data + value.Offset);
        return raw switch
        {
            0 => false,
            1 => true,
            _ => throw Wrong(ArtifactError.InvalidValue, key, "0 or 1", raw.ToString(CultureInfo.InvariantCulture), value.Offset),
        };
    }

    /// <summary>A string.</summary>
    public string String(string key)
    {
        var value = Require(key, GgufValueType.String);
        return DecodeUtf8(Bytes(value), key, value.Offset);
    }

    /// <summary>An array of finite f64 of a known length; null length takes any up to 4096.</summary>
    public double[] Float64Array(string key, int? count)
    {
        var value = RequireCount(key, GgufValueType.Float64, count);
        var numbers = MemoryMarshal.Cast<byte, double>(Bytes(value)).ToArray();
        if (Array.FindIndex(numbers, n => !double.IsFinite(n)) is >= 0 and var bad)
        {
            throw Wrong(ArtifactError.NonFinite, key, "finite numbers", $"{numbers[bad]} at index {bad}", value.Offset);
        }

        return numbers;
    }

    /// <summary>An array of bool of a known length.</summary>
    public bool[] BoolArray(string key, int? count)
    {
        var value = RequireCount(key, GgufValueType.Bool, count);
        var raw = Bytes(value);
        if (raw.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var bad)
        {
            throw Wrong(ArtifactError.InvalidValue, key, "0 or 1", raw[bad].ToString(CultureInfo.InvariantCulture), value.Offset + bad);
        }

        var flags = new bool[raw.Length];
        for (int i = 0; i < flags.Length; i++)
        {
            flags[i] = raw[i] != 0;
        }

        return flags;
    }

    /// <summary>An array of at most <paramref name="limit"/> strings.</summary>
    public string[] StringArray(string key, int limit)
    {
        var value = RequireArray(key, GgufValueType.String);
        if (value.Count > limit)
        {
            throw Wrong(ArtifactError.LimitExceeded, key, $"at most {limit} strings", value.Count.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        var strings = new string[value.Count];
        long place = value.Offset;
        for (int i = 0; i < strings.Length; i++)
        {
            int bytes = (int)BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(data + place, 8));
            strings[i] = DecodeUtf8(new ReadOnlySpan<byte>(data + place + 8, bytes), key, place);
            place += 8 + bytes;
        }

        return strings;
    }

    /// <summary>The bytes of a value.</summary>
    public ReadOnlySpan<byte> Bytes(GgufValue value) => new(data + value.Offset, checked((int)value.Bytes));

    /// <summary>Creates the exception for something wrong in this file.</summary>
    public ArtifactException Wrong(ArtifactError error, string field, string expected, string found, long? offset) =>
        new(error, File, field, expected, found, offset);

    private GgufValue RequireCount(string key, GgufValueType type, int? count)
    {
        var value = RequireArray(key, type);
        if (count is { } wanted ? value.Count != wanted : value.Count > 4096)
        {
            throw Wrong(ArtifactError.WrongShape, key, count is { } w ? $"{w} values" : "at most 4096 values", $"{value.Count}", value.Offset);
        }

        return value;
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

        if (at > MaxDirectoryBytes)
        {
            throw Wrong(ArtifactError.LimitExceeded, key, $"a directory of at most {MaxDirectoryBytes} bytes", $"{at}", start);
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
    }

    [DoesNotReturn]
    private void ThrowTruncated(string what, long bytes) =>
        throw Wrong(ArtifactError.Truncated, what, $"{bytes} more bytes", $"{length - at} left in the file", at);

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
