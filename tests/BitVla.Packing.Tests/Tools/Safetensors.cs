using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using BitVla.Format.Layout;

namespace BitVla.Packing.Tests.Tools;

/// <summary>Reads one tensor of a safetensors file, simply.</summary>
internal static class Safetensors
{
    public static (string Type, long[] Shape, byte[] Bytes) Read(string path, string name)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        var entry = json.RootElement.GetProperty(name);
        var offsets = entry.GetProperty("data_offsets").EnumerateArray().Select(e => e.GetInt32()).ToArray();
        return (
            entry.GetProperty("dtype").GetString()!,
            [.. entry.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())],
            file[(8 + header + offsets[0])..(8 + header + offsets[1])]);
    }

    public static (long[] Shape, float[] Values) ReadBFloat16(string path, string name)
    {
        var (type, shape, bytes) = Read(path, name);
        Assert.Equal("BF16", type);
        return (shape, Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), BFloat16.Widen));
    }

    public static (long[] Shape, float[] Values) ReadFloat32(string path, string name)
    {
        var (type, shape, bytes) = Read(path, name);
        Assert.Equal("F32", type);
        return (shape, MemoryMarshal.Cast<byte, float>(bytes).ToArray());
    }
}
