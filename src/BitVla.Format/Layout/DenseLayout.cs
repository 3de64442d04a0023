namespace BitVla.Format.Layout;

/// <summary>How bf16 matrices lie in the file: <c>bf16.n16.v1</c>.</summary>
/// <remarks>Shape: bf16 panels [ceil(N/16)][K][16]; outputs past N hold zero.</remarks>
public static class DenseLayout
{
    /// <summary>Name and version, stored in the file and checked at load.</summary>
    public const string Name = "bf16.n16.v1";

    /// <summary>Outputs of a panel.</summary>
    public const int PanelOutputs = 16;

    /// <summary>Number of panels for N outputs.</summary>
    public static int Panels(int n) => (n + PanelOutputs - 1) / PanelOutputs;

    /// <summary>Number of bf16 values of a matrix, padding included.</summary>
    public static long Elements(int n, int k) => (long)Panels(n) * PanelOutputs * k;

    /// <summary>Writes one output's weights [K] into the panels.</summary>
    public static void EncodeRow(ReadOnlySpan<ushort> weights, int row, Span<ushort> panels)
    {
        int at = checked(row / PanelOutputs * weights.Length * PanelOutputs + row % PanelOutputs);
        for (int k = 0; k < weights.Length; k++, at += PanelOutputs)
        {
            panels[at] = weights[k];
        }
    }

    /// <summary>Reads one output's weights [K] back.</summary>
    public static void DecodeRow(ReadOnlySpan<ushort> panels, int row, Span<ushort> weights)
    {
        int at = checked(row / PanelOutputs * weights.Length * PanelOutputs + row % PanelOutputs);
        for (int k = 0; k < weights.Length; k++, at += PanelOutputs)
        {
            weights[k] = panels[at];
        }
    }
}
