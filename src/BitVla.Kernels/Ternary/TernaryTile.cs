namespace BitVla.Kernels.Ternary;

/// <summary>A rectangle of outputs: some tokens by some rows of weights.</summary>
/// <param name="Token0">First token.</param>
/// <param name="Tokens">Number of tokens.</param>
/// <param name="Row0">First row of weights.</param>
/// <param name="Rows">Number of rows of weights.</param>
internal readonly record struct TernaryTile(int Token0, int Tokens, int Row0, int Rows);

/// <summary>How large the tiles of a kernel may be, and in which steps it works.</summary>
/// <param name="Tokens">Most tokens of a tile, a multiple of <paramref name="TokenStep"/>.</param>
/// <param name="Rows">Most rows of a tile, a multiple of <paramref name="RowStep"/>.</param>
/// <param name="TokenStep">Tokens of the kernel's register tile.</param>
/// <param name="RowStep">Rows of the kernel's register tile.</param>
/// <param name="Macs">Most multiply-adds of a tile: what the slowest board that can run the kernel does in some 20 ms, by estimate.</param>
internal readonly record struct TernaryTileLimits(int Tokens, int Rows, int TokenStep, int RowStep, long Macs);

/// <summary>How a product is cut into tiles. No bit of the result depends on it.</summary>
internal readonly struct TernaryTilePlan
{
    // Tiles are claimed as workers become free, so the last round wastes at most one tile in this many.
    private const int TilesPerThread = 8;

    private readonly int tokens;
    private readonly int rows;
    private readonly int tileTokens;
    private readonly int tileRows;
    private readonly int tilesAlongRows;

    /// <summary>Cuts a product [m, n] over k channels for a number of workers.</summary>
    public TernaryTilePlan(in TernaryTileLimits limits, int m, int n, int k, int threads)
    {
        tokens = m;
        rows = n;
        tileTokens = EvenShare(m, limits.Tokens, limits.TokenStep);
        tileRows = EvenShare(n, limits.Rows, limits.RowStep);

        // For balance: first fewer rows, which costs another reading of the activations, then fewer tokens, which costs another unpacking
        // of the weights; never so few that these dominate.
        int wanted = threads == 1 ? 1 : TilesPerThread * threads;
        while (Count(m, tileTokens) * Count(n, tileRows) < wanted)
        {
            if (!Halve(ref tileRows, limits.RowStep, 2) && !Halve(ref tileTokens, limits.TokenStep, 8))
            {
                break;
            }
        }

        // For time: a cancelled pass waits for the tiles in flight.
        while ((long)tileTokens * tileRows * k > limits.Macs)
        {
            if (!Halve(ref tileRows, limits.RowStep, 1) && !Halve(ref tileTokens, limits.TokenStep, 1))
            {
                break;
            }
        }

        tilesAlongRows = Count(n, tileRows);
        TileCount = Count(m, tileTokens) * tilesAlongRows;
        SumsStride = tileRows;
    }

    /// <summary>Number of tiles.</summary>
    public int TileCount { get; }

    /// <summary>Distance between the sums of neighbouring tokens of a tile.</summary>
    public int SumsStride { get; }

    /// <summary>The tile with a number; neighbours in number share their tokens.</summary>
    public TernaryTile this[int tile]
    {
        get
        {
            int token0 = tile / tilesAlongRows * tileTokens;
            int row0 = tile % tilesAlongRows * tileRows;
            return new(token0, Math.Min(tileTokens, tokens - token0), row0, Math.Min(tileRows, rows - row0));
        }
    }

    private static int Count(int total, int share) => (total + share - 1) / share;

    private static int EvenShare(int total, int most, int step)
    {
        int share = Count(total, Count(total, most));
        return Count(share, step) * step;
    }

    private static bool Halve(ref int share, int step, int fewestSteps)
    {
        int steps = share / step;
        if (steps <= fewestSteps)
        {
            return false;
        }

        share = Math.Max(fewestSteps, (steps + 1) / 2) * step;
        return true;
    }
}
