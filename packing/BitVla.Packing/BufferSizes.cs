using BitVla.Format.Layout;

namespace BitVla.Packing;

/// <summary>Sizes of the buffers that hold weights while packing; they depend on the widest row and the largest matrix alone.</summary>
/// <param name="RowValues">Values of a row.</param>
/// <param name="PanelValues">Values of a bf16 panel.</param>
/// <param name="TernaryBytes">Codes of a ternary matrix.</param>
internal readonly record struct BufferSizes(int RowValues, int PanelValues, int TernaryBytes)
{
    // Vectors without rows are copied in parts of this length.
    private const int MinRowValues = 1 << 14;

    /// <summary>Sizes for some steps.</summary>
    public static BufferSizes Of(IReadOnlyList<PackStep> steps) => new(
        steps.Select(s => s.Columns).Append(MinRowValues).Max(),
        steps.Where(s => s.Kind == PackKind.Dense).Select(s => s.Columns * DenseLayout.PanelOutputs).DefaultIfEmpty().Max(),
        steps.Where(s => s.Kind == PackKind.Ternary).Select(s => checked((int)TernaryLayout.Bytes(s.Rows, s.Columns))).DefaultIfEmpty().Max());
}
