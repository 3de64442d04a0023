namespace BitVla.Format;

/// <summary>What a tokenizer is, as a writer gives it; readers use <see cref="PackedTokenizer"/> on the map.</summary>
public sealed record TokenizerContent
{
    /// <summary>Ordinary token.</summary>
    public const int NormalType = 1;

    /// <summary>Added or special token, cut out of the text before pre-tokenisation.</summary>
    public const int AddedType = 3;

    /// <summary>An id without a token.</summary>
    public const int UnusedType = 5;

    /// <summary>UTF-8 bytes of each token by id: byte-level alphabet for ordinary tokens, plain text for added ones.</summary>
    public required IReadOnlyList<byte[]> Tokens { get; init; }

    /// <summary>Type of each token.</summary>
    public required int[] TokenTypes { get; init; }

    /// <summary>Merges in order of rank: left id, right id, left id, right id, …</summary>
    public required uint[] MergePairs { get; init; }

    /// <summary>Whether a pre-token that is itself a vocabulary entry is emitted whole.</summary>
    public required bool IgnoreMerges { get; init; }
}
