using BitVla.Format.Gguf;

namespace BitVla.Format;

/// <summary>A tensor that a geometry calls for.</summary>
/// <param name="Name">Packed name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dimensions">Sizes, fastest first.</param>
public sealed record TensorPlanEntry(string Name, GgufTensorType Type, IReadOnlyList<long> Dimensions)
{
    /// <summary>Length in bytes, without padding.</summary>
    public long Bytes
    {
        get
        {
            long bytes = GgufTensorTypes.ElementBytes(Type);
            foreach (long size in Dimensions)
            {
                bytes = checked(bytes * size);
            }

            return bytes;
        }
    }

    /// <summary>Sizes as text, fastest first.</summary>
    public string Shape => "[" + string.Join(", ", Dimensions) + "]";
}
