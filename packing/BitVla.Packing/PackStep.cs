using BitVla.Packing.Checkpoint;

namespace BitVla.Packing;

/// <summary>How a tensor of the packed file is made.</summary>
internal enum PackKind
{
    /// <summary>bf16 panels; several matrices stand one below the other.</summary>
    Dense,

    /// <summary>fp32 values, exact.</summary>
    Floats,

    /// <summary>fp32 values that the authors hold in bf16: rounded to it first.</summary>
    RoundedFloats,

    /// <summary>Trits, followed by the tensor of their scales.</summary>
    Ternary,

    /// <summary>The embedding table's row checksums, then the table.</summary>
    Embedding,
}

/// <summary>One or two neighbouring tensors of the packed file and the checkpoint's tensors they come from.</summary>
/// <param name="Kind">How it is made.</param>
/// <param name="Name">Packed name.</param>
/// <param name="ScaleName">Packed name of the scales; ternary only.</param>
/// <param name="Columns">Row length K.</param>
/// <param name="Sources">Sources in order of their rows.</param>
internal sealed record PackStep(PackKind Kind, string Name, string? ScaleName, int Columns, IReadOnlyList<SourceTensor> Sources)
{
    /// <summary>Rows N of all sources together.</summary>
    public int Rows => checked((int)(Sources.Sum(s => s.Elements) / Columns));
}
