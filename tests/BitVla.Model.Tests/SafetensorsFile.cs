using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace BitVla.Model.Tests;

/// <summary>A safetensors file read whole; enough for goldens.</summary>
internal sealed class SafetensorsFile
{
    private readonly byte[] _bytes;
    private readonly int _dataStart;
    private readonly JsonElement _header;

    public SafetensorsFile(string path)
    {
        _bytes = File.ReadAllBytes(path);
        int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes);
        _dataStart = 8 + headerLength;
        _header = JsonDocument.Parse(_bytes.AsMemory(8, headerLength)).RootElement;
    }

    public int[] Shape(string name) => [.. _header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(x => x.GetInt32())];

    public byte[] Bytes(string name) => Raw(name, "U8").ToArray();

    /// <summary>Values of an F32 or BF16 tensor.</summary>
    public float[] Floats(string name) => IsBf16(name)
        ? [.. MemoryMarshal.Cast<byte, ushort>(Raw(name, "BF16")).ToArray().Select(x => BitConverter.UInt32BitsToSingle((uint)x << 16))]
        : MemoryMarshal.Cast<byte, float>(Raw(name, "F32")).ToArray();

    public bool IsBf16(string name) => _header.GetProperty(name).GetProperty("dtype").GetString() == "BF16";

    private ReadOnlySpan<byte> Raw(string name, string type)
    {
        JsonElement entry = _header.GetProperty(name);
        Assert.Equal(type, entry.GetProperty("dtype").GetString());
        JsonElement offsets = entry.GetProperty("data_offsets");
        int from = offsets[0].GetInt32();
        return _bytes.AsSpan(_dataStart + from, offsets[1].GetInt32() - from);
    }
}
