using BitVla.Kernels.Dense;

namespace BitVla.Kernels.Floats;

/// <summary>A product with bf16 panels, as plain data that tiles are cut from: panels run fastest, then blocks of tokens.</summary>
internal unsafe struct DenseTask
{
    /// <summary>Tokens of one tile: their activations stay in L2 while every panel passes over them.</summary>
    public const int TileTokens = 48;

    /// <summary>Weights [N, K].</summary>
    public DenseMatrix Weights;

    /// <summary>Activations [M, K].</summary>
    public float* X;

    /// <summary>Elements from one token to the next.</summary>
    public nint XStride;

    /// <summary>Tokens.</summary>
    public int M;

    /// <summary>Bias [N], or null.</summary>
    public float* Bias;

    /// <summary>Result [M, N].</summary>
    public float* Y;

    /// <summary>Elements from one result row to the next.</summary>
    public nint YStride;

    /// <summary>Store or add.</summary>
    public OutputMode Mode;

    /// <summary>Number of tiles.</summary>
    public readonly int Tiles => Weights.PanelCount * ((M + TileTokens - 1) / TileTokens);
}

/// <summary>Attention, as plain data: first the packing tiles, then, when all are done, the strips.</summary>
internal unsafe struct AttentionTask
{
    /// <summary>Keys packed by one packing tile.</summary>
    public const int PackKeys = 128;

    /// <summary>Queries of a strip come in register tiles of this many.</summary>
    public const int RegisterQueries = 6;

    /// <summary>Most queries of a strip.</summary>
    public const int MaxStripQueries = 36;

    // Scores of a strip, in floats: 96 KB stay in a 256 KB L2 beside a panel of keys or values.
    private const int StripScores = 24 * 1024;

    /// <summary>Queries [Batches·Queries, Heads·HeadDim].</summary>
    public float* Q;

    /// <summary>Elements from one query row to the next.</summary>
    public nint QStride;

    /// <summary>Keys [Batches·Keys, KvHeads·HeadDim].</summary>
    public float* K;

    /// <summary>Elements from one key row to the next.</summary>
    public nint KStride;

    /// <summary>Values [Batches·Keys, KvHeads·HeadDim].</summary>
    public float* V;

    /// <summary>Elements from one value row to the next.</summary>
    public nint VStride;

    /// <summary>Result [Batches·Queries, Heads·HeadDim].</summary>
    public float* Y;

    /// <summary>Elements from one result row to the next.</summary>
    public nint YStride;

    /// <summary>Independent sequences.</summary>
    public int Batches;

    /// <summary>Queries of a batch.</summary>
    public int Queries;

    /// <summary>Keys of a batch.</summary>
    public int Keys;

    /// <summary>Query heads.</summary>
    public int Heads;

    /// <summary>Key and value heads.</summary>
    public int KvHeads;

    /// <summary>Features of a head.</summary>
    public int HeadDim;

    /// <summary>Factor of each dot product.</summary>
    public float Scale;

    /// <summary>Keys as panels [Batches·KvHeads][ceil(Keys/16)][HeadDim][16], zero past Keys.</summary>
    public float* KeyPanels;

    /// <summary>Values as panels [Batches·KvHeads][ceil(HeadDim/16)][Keys][16]; the last panel of a head is as narrow as its features.</summary>
    public float* ValuePanels;

    /// <summary>Keys rounded up to whole panels.</summary>
    public readonly int PaddedKeys => Pad(Keys);

    /// <summary>Number of packing tiles.</summary>
    public readonly int PackTiles => Batches * KvHeads * PackBlocks;

    /// <summary>Packing tiles of one KV head.</summary>
    public readonly int PackBlocks => (Keys + PackKeys - 1) / PackKeys;

    /// <summary>Queries of one strip: strips of about equal height, whole register tiles.</summary>
    public readonly int StripQueries
    {
        get
        {
            int most = MostStripQueries(Keys);
            int strips = (Queries + most - 1) / most;
            int even = (Queries + strips - 1) / strips;
            return (even + RegisterQueries - 1) / RegisterQueries * RegisterQueries;
        }
    }

    /// <summary>Strips of one head.</summary>
    public readonly int Strips => (Queries + StripQueries - 1) / StripQueries;

    /// <summary>Number of strip tiles.</summary>
    public readonly int StripTiles => Batches * Heads * Strips;

    /// <summary>Floats of scratch a strip of any height needs for up to this many keys: scores, one output panel, the sums.</summary>
    public static nint StripScratch(int keys) =>
        Math.Max(StripScores, (nint)RegisterQueries * Pad(keys)) + (MaxStripQueries * DenseMatrix.PanelOutputs) + Pad(MaxStripQueries);

    /// <summary>Rounds a count up to whole panels.</summary>
    public static int Pad(int count) => (count + DenseMatrix.PanelOutputs - 1) / DenseMatrix.PanelOutputs * DenseMatrix.PanelOutputs;

    private static int MostStripQueries(int keys) =>
        Math.Clamp(StripScores / Pad(keys) / RegisterQueries * RegisterQueries, RegisterQueries, MaxStripQueries);
}

/// <summary>Rotary embedding, as plain data.</summary>
internal unsafe struct RopeTask
{
    /// <summary>Rows [M, Heads·HeadDim], rotated in place.</summary>
    public float* X;

    /// <summary>Elements from one row to the next.</summary>
    public nint XStride;

    /// <summary>Position of row 0.</summary>
    public int FirstPosition;

    /// <summary>Heads.</summary>
    public int Heads;

    /// <summary>Features of a head, even.</summary>
    public int HeadDim;

    /// <summary>Cosines [positions, HeadDim/2].</summary>
    public float* Cos;

    /// <summary>Sines [positions, HeadDim/2].</summary>
    public float* Sin;
}
