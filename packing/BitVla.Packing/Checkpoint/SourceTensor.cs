using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>Element type of a tensor in a checkpoint.</summary>
internal enum SourceType
{
    /// <summary>A type that no weight has; listed, never read.</summary>
    Other,
    F32,
    F16,
    BF16,
}

/// <summary>A tensor in a checkpoint: name, type, shape and where its bytes are. Its bytes are only read as a stream.</summary>
internal sealed class SourceTensor
{
    public required string File { get; init; }

    public required string Name { get; init; }

    public required SourceType Type { get; init; }

    /// <summary>The type as the file writes it, for messages.</summary>
    public required string TypeName { get; init; }

    /// <summary>Sizes, slowest first, as the authors write them.</summary>
    public required long[] Shape { get; init; }

    public required long Elements { get; init; }

    /// <summary>Opens the bytes, from the first element on.</summary>
    public required Func<Stream> Open { get; init; }

    /// <summary>Bytes of an element.</summary>
    public int ElementBytes => Type == SourceType.F32 ? 4 : 2;

    public string ShapeText => Describe(Shape);

    public static string Describe(IEnumerable<long> shape) => "[" + string.Join(", ", shape) + "]";

    /// <summary>Product of sizes; -1 when it passes 2^60 or a size is negative.</summary>
    public static long CountElements(ReadOnlySpan<long> shape)
    {
        long elements = 1;
        bool zero = false;
        foreach (long size in shape)
        {
            if (size < 0)
            {
                return -1;
            }

            zero |= size == 0;
            if (size > 0 && elements > (1L << 60) / size)
            {
                return -1;
            }

            elements *= Math.Max(size, 1);
        }

        return zero ? 0 : elements;
    }

    /// <summary>Checks type and shape against what the geometry foresees.</summary>
    public void Require(params ReadOnlySpan<long> shape)
    {
        if (!Shape.AsSpan().SequenceEqual(shape))
        {
            throw new ArtifactException(ArtifactError.WrongShape, File, Name, Describe(shape.ToArray()), ShapeText);
        }

        if (Type == SourceType.Other)
        {
            throw new ArtifactException(ArtifactError.WrongType, File, Name, "BF16, F16 or F32", TypeName);
        }
    }
}
