namespace BitVla.Format.Gguf;

/// <summary>One line of the tensor directory.</summary>
/// <param name="Name">Name, under 64 bytes.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dimensions">Sizes, fastest first, as GGUF orders them.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="Bytes">Length in bytes, without padding.</param>
public sealed record GgufTensor(string Name, GgufTensorType Type, IReadOnlyList<long> Dimensions, long Offset, long Bytes)
{
    /// <summary>Number of elements.</summary>
    public long Elements => Bytes / GgufTensorTypes.ElementBytes(Type);

    /// <summary>Sizes as text, fastest first.</summary>
    public string Shape => "[" + string.Join(", ", Dimensions) + "]";
}
