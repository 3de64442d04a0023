namespace BitVla.Kernels.Dense;

/// <summary>A bf16 weight matrix as it lies in the mapped file.</summary>
/// <remarks>
/// Shape: [N, K] weights stored as bf16 panels [ceil(N/16)][K][16]: sixteen neighbouring outputs side by side, so that one
/// pass down K streams a panel and keeps outputs in vector lanes. Outputs past N hold zero.
/// </remarks>
public readonly unsafe struct DenseMatrix(ushort* panels, int n, int k)
{
    /// <summary>Outputs in one panel.</summary>
    public const int PanelOutputs = 16;

    /// <summary>First bf16 value, 64-byte aligned.</summary>
    public ushort* Panels { get; } = panels;

    /// <summary>Output features.</summary>
    public int N { get; } = n;

    /// <summary>Input features.</summary>
    public int K { get; } = k;

    /// <summary>Number of 16-output panels.</summary>
    public int PanelCount => (N + PanelOutputs - 1) / PanelOutputs;

    /// <summary>Bytes of the panels of a matrix.</summary>
    public static long PanelBytes(long n, long k) => (n + PanelOutputs - 1) / PanelOutputs * PanelOutputs * k * sizeof(ushort);
}
