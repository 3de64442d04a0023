using BitVla.Format;

namespace BitVla.Model.Text;

/// <summary>Turns one pre-token into ids: whole when the vocabulary has it, else by merging neighbours, lowest rank first.</summary>
/// <remarks>
/// Of two merges with one rank the left one goes first. A merge whose result the vocabulary lacks does not happen. A heap keeps a
/// hostile pre-token of n bytes at n log n; entries that a merge has made stale are recognised when they come up.
/// Source: the BPE model of tokenizer.json.
/// </remarks>
internal sealed class BytePairMerger
{
    private const int None = -1;

    private readonly PackedTokenizer tables;
    private readonly int[] byteIds = new int[256];

    // The pre-token in the byte-level alphabet. A symbol is a stretch of it, so the bytes of a merge are already side by side.
    private readonly byte[] spelled;

    // A symbol is named by the pre-token byte it begins with. Stretches are [starts[i], starts[next[i]]).
    private readonly int[] starts;
    private readonly int[] ids;
    private readonly int[] previous;
    private readonly int[] next;

    // Rank in the upper half, place in the lower: the smallest value is the next merge.
    private readonly ulong[] heap;
    private int heapCount;

    /// <summary>Creates a merger for pre-tokens of at most so many bytes.</summary>
    /// <exception cref="ArtifactException">The vocabulary lacks one of the 256 bytes.</exception>
    public BytePairMerger(PackedTokenizer tables, int maxBytes)
    {
        this.tables = tables;
        spelled = new byte[ByteAlphabet.MaxBytes * maxBytes];
        starts = new int[maxBytes + 1];
        ids = new int[maxBytes];
        previous = new int[maxBytes];
        next = new int[maxBytes];

        // Less than one entry a pair at first, two more after each merge, and less than one merge a byte.
        heap = new ulong[3 * maxBytes];
        for (int b = 0; b < 256; b++)
        {
            int length = ByteAlphabet.Write((byte)b, spelled);
            byteIds[b] = Ordinary(spelled.AsSpan(0, length));
            if (byteIds[b] < 0)
            {
                throw new ArtifactException(ArtifactError.Missing, "tokenizer", ModelKeys.Tokens, $"a token for byte 0x{b:x2}", "none");
            }
        }
    }

    /// <summary>Writes the ids of a pre-token; returns how many, or -1 when they do not fit.</summary>
    public int Encode(ReadOnlySpan<byte> preToken, Span<int> output)
    {
        Spell(preToken);
        if (tables.IgnoreMerges)
        {
            int whole = Ordinary(Stretch(0, preToken.Length));
            if (whole >= 0)
            {
                return output.IsEmpty ? -1 : Write(output, 0, whole);
            }
        }

        Link(preToken);
        while (heapCount > 0)
        {
            ulong top = Pop();
            Merge((int)(uint)top, (int)(top >> 32), preToken.Length);
        }

        int count = 0;
        for (int i = 0; i < preToken.Length; i = next[i])
        {
            if (count == output.Length)
            {
                return -1;
            }

            count = Write(output, count, ids[i]);
        }

        return count;
    }

    private static int Write(Span<int> output, int count, int id)
    {
        output[count] = id;
        return count + 1;
    }

    private void Spell(ReadOnlySpan<byte> preToken)
    {
        int at = 0;
        for (int i = 0; i < preToken.Length; i++)
        {
            starts[i] = at;
            at += ByteAlphabet.Write(preToken[i], spelled.AsSpan(at));
        }

        starts[preToken.Length] = at;
    }

    private void Link(ReadOnlySpan<byte> preToken)
    {
        heapCount = 0;
        for (int i = 0; i < preToken.Length; i++)
        {
            ids[i] = byteIds[preToken[i]];
            previous[i] = i - 1;
            next[i] = i + 1;
            if (i > 0)
            {
                Consider(i - 1, i);
            }
        }
    }

    private void Merge(int left, int rank, int end)
    {
        int right = next[left];
        if (ids[left] == None || right == end || tables.MergeRank(ids[left], ids[right]) != rank)
        {
            return;
        }

        int after = next[right];
        int merged = Ordinary(Stretch(left, after));
        if (merged < 0)
        {
            return;
        }

        ids[left] = merged;
        ids[right] = None;
        next[left] = after;
        if (after < end)
        {
            previous[after] = left;
            Consider(left, after);
        }

        if (previous[left] >= 0)
        {
            Consider(previous[left], left);
        }
    }

    private void Consider(int left, int right)
    {
        int rank = tables.MergeRank(ids[left], ids[right]);
        if (rank >= 0)
        {
            Push((ulong)rank << 32 | (uint)left);
        }
    }

    private ReadOnlySpan<byte> Stretch(int from, int to) => spelled.AsSpan(starts[from], starts[to] - starts[from]);

    // An added token may happen to be spelled like a stretch; it is no word of the model.
    private int Ordinary(ReadOnlySpan<byte> token)
    {
        int id = tables.Find(token);
        return id >= 0 && tables.TokenType(id) == TokenizerContent.NormalType ? id : None;
    }

    private void Push(ulong entry)
    {
        int at = heapCount++;
        for (int parent; at > 0 && heap[parent = (at - 1) / 2] > entry; at = parent)
        {
            heap[at] = heap[parent];
        }

        heap[at] = entry;
    }

    private ulong Pop()
    {
        ulong top = heap[0];
        ulong last = heap[--heapCount];
        int at = 0;
        for (int child; (child = 2 * at + 1) < heapCount; at = child)
        {
            if (child + 1 < heapCount && heap[child + 1] < heap[child])
            {
                child++;
            }

            if (heap[child] >= last)
            {
                break;
            }

            heap[at] = heap[child];
        }

        heap[at] = last;
        return top;
    }
}
