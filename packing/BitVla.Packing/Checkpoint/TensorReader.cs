using System.Runtime.InteropServices;
using BitVla.Format.Layout;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>Reads a tensor front to back in small pieces, as floats or as bf16; NaN and infinity stop it.</summary>
internal sealed class TensorReader : IDisposable
{
    /// <summary>Size of the piece buffer, which the caller owns and shares between tensors.</summary>
    public const int BufferBytes = 1 << 18;

    private readonly SourceTensor tensor;
    private readonly byte[] buffer;
    private readonly Stream stream;
    private long index;

    public TensorReader(SourceTensor tensor, byte[] buffer)
    {
        this.tensor = tensor;
        this.buffer = buffer;
        stream = tensor.Open();
    }

    /// <summary>Reads the next elements, exactly.</summary>
    public void Read(Span<float> values)
    {
        while (values.Length > 0)
        {
            var bytes = NextPiece(values.Length);
            var piece = values[..(bytes.Length / tensor.ElementBytes)];
            switch (tensor.Type)
            {
                case SourceType.F32:
                    MemoryMarshal.Cast<byte, float>(bytes).CopyTo(piece);
                    break;
                case SourceType.F16:
                    WidenHalf(MemoryMarshal.Cast<byte, ushort>(bytes), piece);
                    break;
                default:
                    Widen(MemoryMarshal.Cast<byte, ushort>(bytes), piece);
                    break;
            }

            CheckFinite(piece);
            index += piece.Length;
            values = values[piece.Length..];
        }
    }

    /// <summary>Reads the next elements as bf16, rounding wider types to nearest even.</summary>
    public void ReadBFloat16(Span<ushort> values, Span<float> scratch)
    {
        while (values.Length > 0)
        {
            int count = Math.Min(values.Length, scratch.Length);
            long first = index;
            Read(scratch[..count]);
            for (int i = 0; i < count; i++)
            {
                values[i] = BFloat16.Round(scratch[i]);
                if (!BFloat16.IsFinite(values[i]))
                {
                    throw NonFinite(first + i, "beyond bf16's range");
                }
            }

            values = values[count..];
        }
    }

    public void Dispose() => stream.Dispose();

    private ReadOnlySpan<byte> NextPiece(int wanted)
    {
        int bytes = (int)Math.Min(buffer.Length / 4 * 4, (long)wanted * tensor.ElementBytes);
        var piece = buffer.AsSpan(0, bytes);
        try
        {
            stream.ReadExactly(piece);
        }
        catch (Exception cause) when (cause is EndOfStreamException or InvalidDataException)
        {
            throw new ArtifactException(ArtifactError.Truncated, tensor.File, tensor.Name, $"{tensor.Elements} elements", cause.Message, null, cause);
        }

        return piece;
    }

    private void CheckFinite(ReadOnlySpan<float> piece)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            if ((BitConverter.SingleToUInt32Bits(piece[i]) & 0x7F800000) == 0x7F800000)
            {
                throw NonFinite(index + i, float.IsNaN(piece[i]) ? "NaN" : "infinity");
            }
        }
    }

    private ArtifactException NonFinite(long at, string found) =>
        new(ArtifactError.NonFinite, tensor.File, tensor.Name, "finite weights", $"{found} at index {at}");

    private static void Widen(ReadOnlySpan<ushort> bits, Span<float> values)
    {
        for (int i = 0; i < bits.Length; i++)
        {
            values[i] = BFloat16.Widen(bits[i]);
        }
    }

    private static void WidenHalf(ReadOnlySpan<ushort> bits, Span<float> values)
    {
        for (int i = 0; i < bits.Length; i++)
        {
            values[i] = (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }
    }
}
