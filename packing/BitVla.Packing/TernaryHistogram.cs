using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Packing;

/// <summary>How many weights of a ternary matrix are -1, 0 and +1, padding left out; and how many bytes are no codes at all.</summary>
internal readonly record struct TernaryHistogram(long Minus, long Zero, long Plus, long IllegalCodes)
{
    private const int PieceBytes = 1 << 24;

    /// <summary>Weights counted.</summary>
    public long Total => Minus + Zero + Plus;

    /// <summary>Adds two.</summary>
    public static TernaryHistogram operator +(TernaryHistogram a, TernaryHistogram b) =>
        new(a.Minus + b.Minus, a.Zero + b.Zero, a.Plus + b.Plus, a.IllegalCodes + b.IllegalCodes);

    /// <summary>Counts a matrix by its codes.</summary>
    public static TernaryHistogram Count(PackedModel model, GgufTensor tensor, LogicalMatrix matrix, CancellationToken cancellation)
    {
        // Two tables, so that equal neighbours do not wait for each other's increment.
        var even = new long[256];
        var odd = new long[256];
        for (long at = 0; at < tensor.Bytes; at += PieceBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            var piece = model.Bytes(tensor, at, (int)Math.Min(PieceBytes, tensor.Bytes - at));
            for (int i = 0; i + 1 < piece.Length; i += 2)
            {
                even[piece[i]]++;
                odd[piece[i + 1]]++;
            }
        }

        Span<long> digits = stackalloc long[3];
        digits.Clear();
        long illegal = 0;
        for (int code = 0; code < 256; code++)
        {
            long count = even[code] + odd[code];
            if (code > TernaryLayout.MaxCode)
            {
                illegal += count;
                continue;
            }

            digits[code % 3] += count;
            digits[code / 3 % 3] += count;
            digits[code / 9 % 3] += count;
            digits[code / 27] += count;
        }

        long padding = ((long)TernaryLayout.Blocks(matrix.K) * TernaryLayout.BlockChannels - matrix.K) * matrix.N;
        return new TernaryHistogram(digits[0], digits[1] - padding, digits[2], illegal);
    }
}
