namespace BitVla.Format.Layout;

/// <summary>How ternary weights lie in the file: <c>ternary.b3x4.k32.v1</c>.</summary>
/// <remarks>
/// Shape: bytes [ceil(K/32)][N][8]. Byte g of a row's eight codes channels 4g … 4g+3 of the 32-channel block as base-3
/// digits, sum of (w+1)·3^i, 0 … 80. Channels past K hold weight zero. Matrices that share an input stand as one, row segments
/// in the order q, k, v or gate, up, each with its own scale.
/// </remarks>
public static class TernaryLayout
{
    /// <summary>Name and version, stored in the file and checked at load.</summary>
    public const string Name = "ternary.b3x4.k32.v1";

    /// <summary>Channels of a block.</summary>
    public const int BlockChannels = 32;

    /// <summary>Bytes of one row in one block.</summary>
    public const int BlockRowBytes = 8;

    /// <summary>The largest legal code: four digits of 2.</summary>
    public const byte MaxCode = 80;

    /// <summary>The code of four zero weights.</summary>
    public const byte ZeroCode = 40;

    /// <summary>Number of blocks for K channels.</summary>
    public static int Blocks(int k) => (k + BlockChannels - 1) / BlockChannels;

    /// <summary>Bytes of a matrix.</summary>
    public static long Bytes(int n, int k) => (long)Blocks(k) * n * BlockRowBytes;

    /// <summary>Writes one row's trits [K] into the codes of a matrix of <paramref name="n"/> rows.</summary>
    public static void EncodeRow(ReadOnlySpan<sbyte> trits, int row, int n, Span<byte> codes)
    {
        int blocks = Blocks(trits.Length);
        for (int block = 0; block < blocks; block++)
        {
            var target = codes.Slice(checked((int)(((long)block * n + row) * BlockRowBytes)), BlockRowBytes);
            for (int g = 0; g < BlockRowBytes; g++)
            {
                int first = block * BlockChannels + 4 * g;
                target[g] = (byte)(Digit(trits, first) + 3 * Digit(trits, first + 1) + 9 * Digit(trits, first + 2) + 27 * Digit(trits, first + 3));
            }
        }
    }

    /// <summary>Reads one row's trits [K] back.</summary>
    public static void DecodeRow(ReadOnlySpan<byte> codes, int row, int n, Span<sbyte> trits)
    {
        for (int channel = 0; channel < trits.Length; channel++)
        {
            int code = codes[checked((int)(((long)(channel / BlockChannels) * n + row) * BlockRowBytes)) + channel % BlockChannels / 4];
            trits[channel] = (sbyte)((channel % 4) switch { 0 => code % 3, 1 => code / 3 % 3, 2 => code / 9 % 3, _ => code / 27 } - 1);
        }
    }

    private static int Digit(ReadOnlySpan<sbyte> trits, int channel) => channel < trits.Length ? trits[channel] + 1 : 1;
}
