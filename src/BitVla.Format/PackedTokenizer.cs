using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using BitVla.Format.Gguf;

namespace BitVla.Format;

/// <summary>Vocabulary and merges where they lie on the map, with two small native hash tables built at load.</summary>
/// <remarks>
/// Tokens are UTF-8: ordinary ones in the byte-level alphabet, added ones as plain text. Merges are id pairs in order of rank. The
/// tables hold indices only (1 MB and 2 MB for the Llama-3 vocabulary); strings are compared on the map.
/// </remarks>
public sealed unsafe class PackedTokenizer : IDisposable
{
    // Both hashes can be computed by whoever writes a file, and colliding entries would make building the tables quadratic. At two
    // thirds full, honest entries end up some dozens of slots away; a test holds the Llama-3 vocabulary below 128.
    private const int MaxProbes = 1024;

    private readonly byte* data;
    private readonly long* offsets;
    private readonly int* tokenTable;
    private readonly int tokenMask;
    private readonly uint* merges;
    private readonly int* mergeTable;
    private readonly int mergeMask;
    private readonly int* types;
    private bool disposed;

    internal PackedTokenizer(GgufDocument document, byte* data, ModelManifest manifest)
    {
        this.data = data;
        var tokens = document.RequireArray(ModelKeys.Tokens, GgufValueType.String);
        var tokenTypes = document.RequireArray(ModelKeys.TokenTypes, GgufValueType.Int32);
        var mergePairs = document.RequireArray(ModelKeys.MergePairs, GgufValueType.UInt32);
        if (tokens.Count == 0 || tokens.Count > manifest.Geometry.VocabRows)
        {
            throw document.Wrong(ArtifactError.Contradiction, ModelKeys.Tokens, $"1 to {manifest.Geometry.VocabRows} tokens", $"{tokens.Count}", tokens.Offset);
        }

        if (tokenTypes.Count != tokens.Count)
        {
            throw document.Wrong(ArtifactError.Contradiction, ModelKeys.TokenTypes, $"{tokens.Count} types", $"{tokenTypes.Count}", tokenTypes.Offset);
        }

        if (mergePairs.Count % 2 != 0 || mergePairs.Count > 1 << 22)
        {
            throw document.Wrong(ArtifactError.WrongShape, ModelKeys.MergePairs, "pairs, at most 2^21", $"{mergePairs.Count} values", mergePairs.Offset);
        }

        Count = (int)tokens.Count;
        MergeCount = (int)(mergePairs.Count / 2);
        IgnoreMerges = document.Bool(ModelKeys.IgnoreMerges);
        if (!document.Bool(ModelKeys.AddBos))
        {
            throw document.Wrong(ArtifactError.Unsupported, ModelKeys.AddBos, "true", "false", null);
        }

        // Metadata values have no alignment; x86-64 and arm64 both load from any address.
        types = (int*)(data + tokenTypes.Offset);
        merges = (uint*)(data + mergePairs.Offset);
        tokenMask = TableSize(Count) - 1;
        mergeMask = TableSize(MergeCount) - 1;
        offsets = (long*)NativeMemory.Alloc((nuint)Count, sizeof(long));
        tokenTable = AllocateTable(tokenMask + 1);
        mergeTable = AllocateTable(mergeMask + 1);
        try
        {
            IndexTokens(document, tokens.Offset);
            IndexMerges(document, mergePairs.Offset);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Number of tokens, ids 0 to Count-1.</summary>
    public int Count { get; }

    /// <summary>Number of merges.</summary>
    public int MergeCount { get; }

    /// <summary>Whether a pre-token that is itself a vocabulary entry is emitted whole.</summary>
    public bool IgnoreMerges { get; }

    /// <summary>The longest way of any token or merge from its slot: what the worst look-up costs.</summary>
    public int LongestProbe { get; private set; }

    /// <summary>UTF-8 bytes of a token.</summary>
    public ReadOnlySpan<byte> Token(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Count);
        byte* at = data + offsets[id];
        return new ReadOnlySpan<byte>(at + 8, (int)BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(at, 8)));
    }

    /// <summary>Type of a token, see <see cref="TokenizerContent"/>.</summary>
    public int TokenType(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Count);
        return types[id];
    }

    /// <summary>Id of the token with these bytes; -1 when there is none.</summary>
    public int Find(ReadOnlySpan<byte> token)
    {
        uint slot = Hash(token) & (uint)tokenMask;
        for (int probes = 0; probes <= LongestProbe; probes++, slot = (slot + 1) & (uint)tokenMask)
        {
            int id = tokenTable[slot];
            if (id < 0 || Token(id).SequenceEqual(token))
            {
                return id;
            }
        }

        return -1;
    }

    /// <summary>Rank of the merge of two tokens; -1 when there is none.</summary>
    public int MergeRank(int left, int right)
    {
        uint slot = HashPair((uint)left, (uint)right) & (uint)mergeMask;
        for (int probes = 0; probes <= LongestProbe; probes++, slot = (slot + 1) & (uint)mergeMask)
        {
            int rank = mergeTable[slot];
            if (rank < 0 || (merges[2 * rank] == (uint)left && merges[2 * rank + 1] == (uint)right))
            {
                return rank;
            }
        }

        return -1;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            NativeMemory.Free(offsets);
            NativeMemory.Free(tokenTable);
            NativeMemory.Free(mergeTable);
        }
    }

    // At most two thirds full.
    private static int TableSize(int count) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, count + count / 2));

    private static int* AllocateTable(int size)
    {
        var table = (int*)NativeMemory.Alloc((nuint)size, sizeof(int));
        new Span<int>(table, size).Fill(-1);
        return table;
    }

    // FNV-1a with a final mix: token strings are short.
    private static uint Hash(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 16777619;
        }

        return hash ^ (hash >> 15);
    }

    private static uint HashPair(uint left, uint right)
    {
        ulong mixed = ((ulong)left << 32 | right) * 0x9E3779B97F4A7C15;
        return (uint)(mixed >> 32);
    }

    private void CountProbe(GgufDocument document, string key, ref int probes, long offset)
    {
        if (++probes > MaxProbes)
        {
            throw document.Wrong(ArtifactError.LimitExceeded, key, $"at most {MaxProbes} entries whose hashes collide", "more", offset);
        }

        LongestProbe = Math.Max(LongestProbe, probes);
    }

    private void IndexTokens(GgufDocument document, long start)
    {
        long at = start;
        for (int id = 0; id < Count; id++)
        {
            offsets[id] = at;
            var token = Token(id);
            at += 8 + token.Length;
            if (types[id] == TokenizerContent.UnusedType)
            {
                continue;
            }

            uint slot = Hash(token) & (uint)tokenMask;
            int probes = 0;
            for (; tokenTable[slot] >= 0; slot = (slot + 1) & (uint)tokenMask)
            {
                CountProbe(document, ModelKeys.Tokens, ref probes, offsets[id]);
                if (Token(tokenTable[slot]).SequenceEqual(token))
                {
                    throw document.Wrong(ArtifactError.Duplicate, ModelKeys.Tokens, "distinct tokens", $"ids {tokenTable[slot]} and {id} alike", offsets[id]);
                }
            }

            tokenTable[slot] = id;
        }
    }

    private void IndexMerges(GgufDocument document, long start)
    {
        for (int rank = 0; rank < MergeCount; rank++)
        {
            uint left = merges[2 * rank];
            uint right = merges[2 * rank + 1];
            if (left >= (uint)Count || right >= (uint)Count)
            {
                throw document.Wrong(ArtifactError.InvalidValue, ModelKeys.MergePairs, $"ids below {Count}", $"{left}, {right} at rank {rank}", start + 8L * rank);
            }

            uint slot = HashPair(left, right) & (uint)mergeMask;
            int probes = 0;
            for (; mergeTable[slot] >= 0; slot = (slot + 1) & (uint)mergeMask)
            {
                CountProbe(document, ModelKeys.MergePairs, ref probes, start + 8L * rank);
                int other = mergeTable[slot];
                if (merges[2 * other] == left && merges[2 * other + 1] == right)
                {
                    throw document.Wrong(ArtifactError.Duplicate, ModelKeys.MergePairs, "distinct merges", $"ranks {other} and {rank} alike", start + 8L * rank);
                }
            }

            mergeTable[slot] = rank;
        }
    }
}
