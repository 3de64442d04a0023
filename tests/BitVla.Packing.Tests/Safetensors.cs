using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace BitVla.Packing.Tests;

/// <summary>A tensor in memory.</summary>
internal sealed record MemoryTensor(string Name, string Type, long[] Shape, byte[] Bytes)
{
    /// <summary>Values as fp32; widening only.</summary>
    public float[] Floats() => Type switch
    {
        "F32" => MemoryMarshal.Cast<byte, float>(Bytes).ToArray(),
        "BF16" => MemoryMarshal.Cast<byte, ushort>(Bytes).ToArray().Select(b => BitConverter.UInt32BitsToSingle((uint)b << 16)).ToArray(),
        "F16" => MemoryMarshal.Cast<byte, ushort>(Bytes).ToArray().Select(b => (float)BitConverter.UInt16BitsToHalf(b)).ToArray(),
        _ => throw new NotSupportedException(Type),
    };

    public MemoryTensor AsF32() => this with { Type = "F32", Bytes = MemoryMarshal.AsBytes(Floats().AsSpan()).ToArray() };

    public MemoryTensor AsF16() => this with
    {
        Type = "F16",
        Bytes = MemoryMarshal.AsBytes(Floats().Select(v => BitConverter.HalfToUInt16Bits((Half)v)).ToArray().AsSpan()).ToArray(),
    };
}

/// <summary>A second, independent reader and writer of safetensors for tests.</summary>
internal static class Safetensors
{
    public static Dictionary<string, MemoryTensor> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerBytes = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, headerBytes));
        var tensors = new Dictionary<string, MemoryTensor>();
        foreach (var entry in header.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            long[] offsets = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64()).ToArray();
            long[] shape = entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
            byte[] bytes = file.AsSpan(8 + headerBytes + (int)offsets[0], (int)(offsets[1] - offsets[0])).ToArray();
            tensors.Add(entry.Name, new MemoryTensor(entry.Name, entry.Value.GetProperty("dtype").GetString()!, shape, bytes));
        }

        return tensors;
    }

    /// <summary>All tensors of a checkpoint folder.</summary>
    public static Dictionary<string, MemoryTensor> ReadFolder(string folder) =>
        Directory.GetFiles(folder, "*.safetensors").SelectMany(Read).ToDictionary(p => p.Key, p => p.Value);

    public static void Write(string path, IEnumerable<MemoryTensor> tensors)
    {
        var header = new StringBuilder("{");
        var data = new MemoryStream();
        foreach (var tensor in tensors)
        {
            header.Append(header.Length > 1 ? "," : "");
            header.Append($"\"{tensor.Name}\":{{\"dtype\":\"{tensor.Type}\",\"shape\":[{string.Join(",", tensor.Shape)}],");
            header.Append($"\"data_offsets\":[{data.Length},{data.Length + tensor.Bytes.Length}]}}");
            data.Write(tensor.Bytes);
        }

        WriteRaw(path, header.Append('}').ToString(), data.ToArray());
    }

    public static void WriteRaw(string path, string header, byte[] data, ulong? announced = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, announced ?? (ulong)json.Length);
        json.CopyTo(file, 8);
        data.CopyTo(file, 8 + json.Length);
        File.WriteAllBytes(path, file);
    }
}
