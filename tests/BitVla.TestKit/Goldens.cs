using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace BitVla.TestKit;

/// <summary>One .safetensors file of the goldens, read whole; tensors come out by name as plain arrays.</summary>
public sealed class Goldens
{
    private readonly byte[] bytes;
    private readonly int dataStart;
    private readonly Dictionary<string, Entry> entries = [];

    /// <summary>Reads a file.</summary>
    public Goldens(string path)
    {
        bytes = File.ReadAllBytes(path);
        int headerBytes = checked((int)BinaryPrimitives.ReadInt64LittleEndian(bytes));
        dataStart = sizeof(long) + headerBytes;
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(sizeof(long), headerBytes));
        foreach (JsonProperty property in header.RootElement.EnumerateObject())
        {
            if (property.Name != "__metadata__")
            {
                JsonElement offsets = property.Value.GetProperty("data_offsets");
                entries.Add(property.Name, new Entry(
                    property.Value.GetProperty("dtype").GetString()!,
                    [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())],
                    offsets[0].GetInt32(),
                    offsets[1].GetInt32()));
            }
        }
    }

    /// <summary>Names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => entries.Keys;

    /// <summary>Reads a file below tests/goldens.</summary>
    public static Goldens Open(params string[] parts) => new(Repository.Golden(parts));

    /// <summary>The sizes of a tensor, outermost first.</summary>
    public IReadOnlyList<int> Shape(string name) => entries[name].Shape;

    /// <summary>The type of a tensor as the file names it: F32, BF16, I8, I64 ...</summary>
    public string Type(string name) => entries[name].Type;

    /// <summary>A tensor of type F32 or BF16, the latter widened.</summary>
    public float[] Floats(string name) => entries[name].Type switch
    {
        "F32" => Elements<float>(name),
        "BF16" => Array.ConvertAll(Elements<ushort>(name), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        string other => throw new InvalidDataException($"Tensor {name} is {other}, not F32 or BF16."),
    };

    /// <summary>The bits of a BF16 tensor.</summary>
    public ushort[] Brains(string name) => Typed<ushort>(name, "BF16");

    /// <summary>A tensor of type F64.</summary>
    public double[] Doubles(string name) => Typed<double>(name, "F64");

    /// <summary>A tensor of type I8.</summary>
    public sbyte[] SignedBytes(string name) => Typed<sbyte>(name, "I8");

    /// <summary>A tensor of type U8.</summary>
    public byte[] Bytes(string name) => Typed<byte>(name, "U8");

    /// <summary>A tensor of type I64.</summary>
    public long[] Integers(string name) => Typed<long>(name, "I64");

    private T[] Typed<T>(string name, string type)
        where T : unmanaged =>
        entries[name].Type == type ? Elements<T>(name) : throw new InvalidDataException($"Tensor {name} is {entries[name].Type}, not {type}.");

    private T[] Elements<T>(string name)
        where T : unmanaged
    {
        Entry entry = entries[name];
        return MemoryMarshal.Cast<byte, T>(bytes.AsSpan(dataStart + entry.Start, entry.End - entry.Start)).ToArray();
    }

    private sealed record Entry(string Type, int[] Shape, int Start, int End);
}
