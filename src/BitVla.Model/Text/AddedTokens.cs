using System.Buffers;
using BitVla.Format;

namespace BitVla.Model.Text;

/// <summary>The added tokens, which are cut out of a text before anything else looks at it.</summary>
/// <remarks>Leftmost match first, and of those at one place the longest, as the authors' tokenizer does.</remarks>
internal sealed class AddedTokens
{
    private readonly PackedTokenizer tables;

    // In the order of their bytes, so that those with a common beginning are neighbours.
    private readonly int[] sorted;
    private readonly SearchValues<byte> firstBytes;

    /// <summary>Indexes the added tokens of a vocabulary.</summary>
    public AddedTokens(PackedTokenizer tables)
    {
        this.tables = tables;
        var ids = new List<int>();
        var firsts = new HashSet<byte>();
        for (int id = 0; id < tables.Count; id++)
        {
            if (tables.TokenType(id) == TokenizerContent.AddedType && !tables.Token(id).IsEmpty)
            {
                ids.Add(id);
                firsts.Add(tables.Token(id)[0]);
            }
        }

        ids.Sort((a, b) => tables.Token(a).SequenceCompareTo(tables.Token(b)));
        sorted = [.. ids];
        firstBytes = SearchValues.Create([.. firsts]);
    }

    /// <summary>Finds the first added token of a text; without one, id and length are -1 and 0 and the place is the end.</summary>
    public int Find(ReadOnlySpan<byte> text, out int id, out int length)
    {
        for (int at = 0; ; at++)
        {
            int step = text[at..].IndexOfAny(firstBytes);
            if (step < 0)
            {
                id = -1;
                length = 0;
                return text.Length;
            }

            at += step;
            id = Longest(text[at..], out length);
            if (id >= 0)
            {
                return at;
            }
        }
    }

    // Narrows the neighbours byte by byte: hostile text costs what it matches, not the number of tokens.
    private int Longest(ReadOnlySpan<byte> text, out int length)
    {
        int found = -1;
        length = 0;
        int low = 0;
        int high = sorted.Length;
        for (int depth = 0; low < high; depth++)
        {
            // The shortest of a group with a common beginning comes first.
            if (tables.Token(sorted[low]).Length == depth)
            {
                found = sorted[low++];
                length = depth;
            }

            if (depth == text.Length)
            {
                break;
            }

            low = Boundary(low, high, depth, text[depth]);
            high = Boundary(low, high, depth, text[depth] + 1);
        }

        return found;
    }

    // First of the neighbours whose byte at this depth is not below the bound.
    private int Boundary(int low, int high, int depth, int bound)
    {
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (tables.Token(sorted[middle])[depth] < bound)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
