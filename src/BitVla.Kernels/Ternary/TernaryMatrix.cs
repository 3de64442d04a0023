namespace BitVla.Kernels.Ternary;

/// <summary>A ternary weight matrix as it lies in the mapped file; up to three row segments with a scale each.</summary>
/// <remarks>
/// Shape: [N, K] weights in {-1, 0, 1}, stored as bytes [ceil(K/32)][N][8]: byte g of a row's 8 codes channels 4g..4g+3 of
/// the 32-channel block as base-3 digits, sum of (w+1)·3^i, 0..80. Channels past K hold weight zero (digit 1).
/// Segments: Q|K|V and gate|up are one product; rows below <see cref="End0"/> use <see cref="Gain0"/>, rows below
/// <see cref="End1"/> use <see cref="Gain1"/>, the rest <see cref="Gain2"/>.
/// Units: a weight is digit · gain; gain = fl(1/s) of the absmean quantiser.
/// </remarks>
public readonly unsafe struct TernaryMatrix
{
    /// <summary>Channels in one block of the layout.</summary>
    public const int BlockChannels = 32;

    /// <summary>Bytes that code one row of one block.</summary>
    public const int BlockRowBytes = 8;

    /// <summary>Largest K accepted: 127 · 65536 is far below 2^31, so no int32 sum of any kernel can overflow.</summary>
    public const int MaxChannels = 65536;

    /// <summary>Creates a view over codes that the caller keeps mapped. One to three gains; ends are cumulative row counts.</summary>
    public TernaryMatrix(byte* codes, int n, int k, ReadOnlySpan<float> gains, ReadOnlySpan<int> ends)
    {
        if (n <= 0 || k <= 0 || k > MaxChannels || gains.Length is < 1 or > 3 || gains.Length != ends.Length || ends[^1] != n)
        {
            throw new ArgumentException("Shape, gains and segment ends do not describe a ternary matrix.");
        }

        Codes = codes;
        N = n;
        K = k;
        Gain0 = gains[0];
        End0 = ends[0];
        Gain1 = gains.Length > 1 ? gains[1] : gains[0];
        End1 = gains.Length > 1 ? ends[1] : n;
        Gain2 = gains.Length > 2 ? gains[2] : Gain1;
    }

    /// <summary>First code byte, 64-byte aligned.</summary>
    public byte* Codes { get; }

    /// <summary>Output features.</summary>
    public int N { get; }

    /// <summary>Input features.</summary>
    public int K { get; }

    /// <summary>Scale of the rows below <see cref="End0"/>.</summary>
    public float Gain0 { get; }

    /// <summary>First row of the second segment.</summary>
    public int End0 { get; }

    /// <summary>Scale of the rows from <see cref="End0"/> to <see cref="End1"/>.</summary>
    public float Gain1 { get; }

    /// <summary>First row of the third segment.</summary>
    public int End1 { get; }

    /// <summary>Scale of the rows from <see cref="End1"/> on.</summary>
    public float Gain2 { get; }

    /// <summary>Number of 32-channel blocks.</summary>
    public int Blocks => (K + BlockChannels - 1) / BlockChannels;

    /// <summary>Bytes of the codes of a matrix.</summary>
    public static long CodeBytes(long n, long k) => (k + BlockChannels - 1) / BlockChannels * n * BlockRowBytes;
}
