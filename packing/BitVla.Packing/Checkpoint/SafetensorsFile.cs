using System.Buffers.Binary;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>A safetensors file: its header, checked against the file's length before anything is believed.</summary>
/// <remarks>Tensors must tile the data section: no overlap, no gap, nothing after the last. Source: safetensors format README.</remarks>
internal static class SafetensorsFile
{
    /// <summary>Largest header read; the real model's is about 100 KB a shard.</summary>
    public const int MaxHeaderBytes = 16 << 20;

    /// <summary>Most tensors of a file.</summary>
    public const int MaxTensors = 1 << 16;

    private const int MaxRank = 8;

    /// <summary>Reads the header of an open file.</summary>
    public static IReadOnlyList<SourceTensor> Read(SourceFile source)
    {
        if (source.Length < 8)
        {
            throw new ArtifactException(ArtifactError.Truncated, source.Path, "header length", "8 bytes", $"{source.Length}", 0);
        }

        Span<byte> prefix = stackalloc byte[8];
        source.ReadExactly(prefix, 0, "header length");
        ulong announced = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (announced > MaxHeaderBytes)
        {
            throw new ArtifactException(ArtifactError.LimitExceeded, source.Path, "header length", $"at most {MaxHeaderBytes} bytes", $"{announced}", 0);
        }

        if ((long)announced > source.Length - 8)
        {
            throw new ArtifactException(ArtifactError.Truncated, source.Path, "header", $"{announced} bytes", $"{source.Length - 8}", 8);
        }

        byte[] header = new byte[(int)announced];
        source.ReadExactly(header, 8, "header");
        return Parse(header, source);
    }

    private static List<SourceTensor> Parse(byte[] header, SourceFile source)
    {
        if (header.Length == 0 || header[0] != (byte)'{')
        {
            throw new ArtifactException(ArtifactError.BadMagic, source.Path, "header", "a safetensors header, which begins with {", "another byte", 8);
        }

        long dataStart = 8L + header.Length;
        long dataBytes = source.Length - dataStart;
        var tensors = new List<SourceTensor>();
        var spans = new List<(long Begin, long End, string Name)>();
        foreach (var (name, entry) in JsonField.Parse(header, source.Path, "").Members())
        {
            if (name == "__metadata__")
            {
                continue;
            }

            if (tensors.Count == MaxTensors)
            {
                throw new ArtifactException(ArtifactError.LimitExceeded, source.Path, "header", $"at most {MaxTensors} tensors", "more");
            }

            var (tensor, begin, end) = Entry(name, entry, source, dataStart, dataBytes);
            tensors.Add(tensor);
            spans.Add((begin, end, name));
        }

        CheckTiling(spans, dataStart, dataBytes, source.Path);
        return tensors;
    }

    private static (SourceTensor Tensor, long Begin, long End) Entry(string name, JsonField entry, SourceFile source, long dataStart, long dataBytes)
    {
        string typeName = entry["dtype"].Text();
        var shapeField = entry["shape"];
        if (shapeField.Length > MaxRank)
        {
            throw shapeField.Wrong(ArtifactError.LimitExceeded, $"at most {MaxRank} sizes", $"{shapeField.Length}");
        }

        long[] shape = shapeField.Items().Select(size => size.Integer(0, 1L << 48)).ToArray();
        long elements = SourceTensor.CountElements(shape);
        var offsets = entry["data_offsets"];
        if (offsets.Length != 2)
        {
            throw offsets.Wrong(ArtifactError.WrongShape, "two offsets", $"{offsets.Length}");
        }

        long[] ends = offsets.Items().Select(offset => offset.Integer(0, long.MaxValue)).ToArray();
        if (ends[0] > ends[1])
        {
            throw offsets.Wrong(ArtifactError.BadOffset, "begin before end", $"{ends[0]}, {ends[1]}");
        }

        if (ends[1] > dataBytes)
        {
            throw offsets.Wrong(ArtifactError.Truncated, $"an end inside {dataBytes} data bytes", $"{ends[1]}");
        }

        int bits = ElementBits(typeName);
        if (elements < 0 || (bits > 0 && (Int128)elements * bits != (Int128)(ends[1] - ends[0]) * 8))
        {
            string wanted = elements < 0 ? "a shape below 2^60 elements" : $"{(Int128)elements * bits / 8} bytes for {typeName} {SourceTensor.Describe(shape)}";
            throw new ArtifactException(ArtifactError.Contradiction, source.Path, name, wanted, $"{ends[1] - ends[0]} bytes", dataStart + ends[0]);
        }

        var tensor = new SourceTensor
        {
            File = source.Path,
            Name = name,
            Type = typeName switch { "F32" => SourceType.F32, "F16" => SourceType.F16, "BF16" => SourceType.BF16, _ => SourceType.Other },
            TypeName = typeName,
            Shape = shape,
            Elements = elements,
            Open = () => new SliceStream(source, dataStart + ends[0], ends[1] - ends[0]),
        };
        return (tensor, ends[0], ends[1]);
    }

    private static void CheckTiling(List<(long Begin, long End, string Name)> spans, long dataStart, long dataBytes, string file)
    {
        spans.Sort();
        long due = 0;
        foreach (var (begin, end, name) in spans)
        {
            if (begin != due)
            {
                throw new ArtifactException(
                    ArtifactError.BadOffset, file, name, $"data at {due}", begin < due ? $"{begin}, inside another tensor" : $"{begin}, after a gap", dataStart + begin);
            }

            due = end;
        }

        if (due != dataBytes)
        {
            throw new ArtifactException(ArtifactError.BadOffset, file, "end of file", $"{dataStart + due} bytes", $"{dataStart + dataBytes}", dataStart + due);
        }
    }

    // 0 for a type unknown here: such a tensor is placed, never read.
    private static int ElementBits(string type) => type switch
    {
        "F64" or "I64" or "U64" => 64,
        "F32" or "I32" or "U32" => 32,
        "F16" or "BF16" or "I16" or "U16" => 16,
        "BOOL" or "I8" or "U8" or "F8_E4M3" or "F8_E5M2" => 8,
        _ => 0,
    };
}
