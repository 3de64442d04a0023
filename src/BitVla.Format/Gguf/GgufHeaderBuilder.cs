using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace BitVla.Format.Gguf;

/// <summary>Builds header, metadata and tensor directory of a GGUF v3 file in memory; some values are patched at the end.</summary>
public sealed class GgufHeaderBuilder : IDisposable
{
    private readonly MemoryStream metadata = new();
    private readonly Dictionary<string, long> valueOffsets = new(StringComparer.Ordinal);
    private int keys;

    /// <summary>Adds a u32.</summary>
    public void Add(string key, uint value)
    {
        Key(key, GgufValueType.UInt32);
        Mark(key);
        WriteUInt32(metadata, value);
    }

    /// <summary>Adds a u64.</summary>
    public void Add(string key, ulong value)
    {
        Key(key, GgufValueType.UInt64);
        Mark(key);
        WriteUInt64(metadata, value);
    }

    /// <summary>Adds an f32.</summary>
    public void Add(string key, float value)
    {
        Key(key, GgufValueType.Float32);
        Mark(key);
        WriteUInt32(metadata, BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Adds an f64.</summary>
    public void Add(string key, double value)
    {
        Key(key, GgufValueType.Float64);
        Mark(key);
        WriteUInt64(metadata, BitConverter.DoubleToUInt64Bits(value));
    }

    /// <summary>Adds a bool.</summary>
    public void Add(string key, bool value)
    {
        Key(key, GgufValueType.Bool);
        Mark(key);
        metadata.WriteByte(value ? (byte)1 : (byte)0);
    }

    /// <summary>Adds a string.</summary>
    public void Add(string key, string value)
    {
        Key(key, GgufValueType.String);
        WriteString(metadata, value);
    }

    /// <summary>Adds an array of strings.</summary>
    public void Add(string key, IReadOnlyList<string> values)
    {
        ArrayKey(key, GgufValueType.String, values.Count);
        Mark(key);
        foreach (string value in values)
        {
            WriteString(metadata, value);
        }
    }

    /// <summary>Adds an array of strings given as UTF-8 bytes.</summary>
    public void Add(string key, IReadOnlyList<byte[]> values)
    {
        ArrayKey(key, GgufValueType.String, values.Count);
        Mark(key);
        foreach (byte[] value in values)
        {
            WriteUInt64(metadata, (ulong)value.Length);
            metadata.Write(value);
        }
    }

    /// <summary>Adds an array of bytes.</summary>
    public void Add(string key, ReadOnlySpan<byte> values) => AddArray(key, GgufValueType.UInt8, values);

    /// <summary>Adds an array of u32.</summary>
    public void Add(string key, ReadOnlySpan<uint> values) => AddArray(key, GgufValueType.UInt32, values);

    /// <summary>Adds an array of i32.</summary>
    public void Add(string key, ReadOnlySpan<int> values) => AddArray(key, GgufValueType.Int32, values);

    /// <summary>Adds an array of u64.</summary>
    public void Add(string key, ReadOnlySpan<ulong> values) => AddArray(key, GgufValueType.UInt64, values);

    /// <summary>Adds an array of f64.</summary>
    public void Add(string key, ReadOnlySpan<double> values) => AddArray(key, GgufValueType.Float64, values);

    /// <summary>Adds an array of bool.</summary>
    public void Add(string key, ReadOnlySpan<bool> values) => AddArray(key, GgufValueType.Bool, values);

    /// <summary>Lays out the tensors and returns the whole start of the file, padded to the first tensor.</summary>
    /// <param name="plan">Name, type and sizes (fastest first) of each tensor, in file order.</param>
    /// <param name="alignment">Alignment of tensor data; also written as <c>general.alignment</c> by the caller.</param>
    /// <param name="places">Where each tensor goes.</param>
    /// <param name="patches">Absolute offset of the first byte of each fixed-width value or array, for later patching.</param>
    public byte[] Build(
        IReadOnlyList<TensorPlanEntry> plan, int alignment, out IReadOnlyList<GgufTensor> places, out IReadOnlyDictionary<string, long> patches)
    {
        using var file = new MemoryStream();
        WriteUInt32(file, GgufDocument.Magic);
        WriteUInt32(file, GgufDocument.Version);
        WriteUInt64(file, (ulong)plan.Count);
        WriteUInt64(file, (ulong)keys);
        long metadataStart = file.Position;
        metadata.WriteTo(file);
        var relative = new List<GgufTensor>(plan.Count);
        long offset = 0;
        foreach (var entry in plan)
        {
            relative.Add(new GgufTensor(entry.Name, entry.Type, entry.Dimensions, offset, entry.Bytes));
            WriteString(file, entry.Name);
            WriteUInt32(file, (uint)entry.Dimensions.Count);
            foreach (long size in entry.Dimensions)
            {
                WriteUInt64(file, (ulong)size);
            }

            WriteUInt32(file, (uint)entry.Type);
            WriteUInt64(file, (ulong)offset);
            offset = Align(offset + entry.Bytes, alignment);
        }

        file.SetLength(Align(file.Length, alignment));
        long dataStart = file.Length;
        places = relative.ConvertAll(t => t with { Offset = dataStart + t.Offset });
        patches = valueOffsets.ToDictionary(p => p.Key, p => metadataStart + p.Value, StringComparer.Ordinal);
        return file.ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => metadata.Dispose();

    private static long Align(long value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private static void WriteUInt32(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteUInt64(Stream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteString(Stream stream, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        WriteUInt64(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private void AddArray<T>(string key, GgufValueType type, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ArrayKey(key, type, values.Length);
        Mark(key);
        metadata.Write(MemoryMarshal.AsBytes(values));
    }

    private void ArrayKey(string key, GgufValueType element, long count)
    {
        Key(key, GgufValueType.Array);
        WriteUInt32(metadata, (uint)element);
        WriteUInt64(metadata, (ulong)count);
    }

    private void Key(string key, GgufValueType type)
    {
        keys++;
        WriteString(metadata, key);
        WriteUInt32(metadata, (uint)type);
    }

    private void Mark(string key) => valueOffsets.Add(key, metadata.Position);
}
