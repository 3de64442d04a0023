using System.Buffers.Binary;
using System.Text;

namespace BitVla.Format.Tests.Gguf;

/// <summary>Writes GGUF bytes word by word, so that a test can write wrong ones.</summary>
internal sealed class RawGguf
{
    private readonly List<byte> bytes = [];

    public static RawGguf Header(ulong tensors, ulong keys, uint version = 3) => new RawGguf().Text("GGUF").U32(version).U64(tensors).U64(keys);

    public RawGguf U32(uint value)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        bytes.AddRange(word);
        return this;
    }

    public RawGguf U64(ulong value)
    {
        Span<byte> word = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(word, value);
        bytes.AddRange(word);
        return this;
    }

    public RawGguf Raw(params ReadOnlySpan<byte> raw)
    {
        bytes.AddRange(raw);
        return this;
    }

    public RawGguf String(string value) => U64((ulong)Encoding.UTF8.GetByteCount(value)).Text(value);

    public RawGguf Tensor(string name, uint type, ulong offset, params ulong[] sizes)
    {
        String(name).U32((uint)sizes.Length);
        foreach (ulong size in sizes)
        {
            U64(size);
        }

        return U32(type).U64(offset);
    }

    public RawGguf Zeros(int count) => Raw(new byte[count]);

    public byte[] ToArray() => bytes.ToArray();

    private RawGguf Text(string value) => Raw(Encoding.UTF8.GetBytes(value));
}
