using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;
using BitVla.Contracts;
using BitVla.Format;

namespace BitVla.Model.Text;

/// <summary>Text to token ids: the byte-level BPE of Llama 3, over the tables of a packed model.</summary>
/// <remarks>
/// Added tokens are cut out first, the rest is cut into pre-tokens, and each of these is merged on its own. Lone surrogates become
/// U+FFFD. Buffers are made once, so encoding allocates nothing; for the same reason one tokenizer serves one thread at a time.
/// Source: BITVLA.md section 2.6; tokenizer.json.
/// </remarks>
public sealed class Tokenizer
{
    /// <summary>Longest text, in UTF-16 characters: sixteen for each of the 256 prompt tokens a sequence can hold.</summary>
    public const int MaxTextCharacters = 4096;

    /// <summary>Most ids of a text: each byte its own token, three UTF-8 bytes a character, and the begin token.</summary>
    public const int MaxTokens = MaxTextBytes + 1;

    // A surrogate pair takes four bytes for two characters, any other character at most three.
    private const int MaxTextBytes = 3 * MaxTextCharacters;

    private readonly AddedTokens added;
    private readonly BytePairMerger merger;
    private readonly int beginToken;
    private readonly byte[] utf8 = new byte[MaxTextBytes];

    /// <summary>Creates a tokenizer over tables that outlive it.</summary>
    /// <param name="tables">The tables of a packed model.</param>
    /// <param name="beginToken">Id that <see cref="Encode"/> can put first; -1 when none is ever asked for.</param>
    /// <exception cref="ArtifactException">The vocabulary lacks one of the 256 bytes.</exception>
    public Tokenizer(PackedTokenizer tables, int beginToken = -1)
    {
        added = new AddedTokens(tables);
        merger = new BytePairMerger(tables, MaxTextBytes);
        this.beginToken = beginToken;
    }

    /// <summary>Writes the ids of a text; returns how many.</summary>
    /// <param name="text">At most <see cref="MaxTextCharacters"/> characters.</param>
    /// <param name="ids">Room for the ids; <see cref="MaxTokens"/> always suffice.</param>
    /// <param name="withBegin">Whether the begin token comes first.</param>
    /// <exception cref="ObservationException">The text is too long, or has more ids than there is room for.</exception>
    /// <exception cref="InvalidOperationException">A begin token is asked of a tokenizer that was given none.</exception>
    public int Encode(ReadOnlySpan<char> text, Span<int> ids, bool withBegin = false)
    {
        if (text.Length > MaxTextCharacters)
        {
            ThrowTooLong(text.Length);
        }

        int count = withBegin ? Begin(ids) : 0;
        Utf8.FromUtf16(text, utf8, out _, out int bytes);
        ReadOnlySpan<byte> rest = utf8.AsSpan(0, bytes);
        while (!rest.IsEmpty)
        {
            int plain = added.Find(rest, out int id, out int length);
            count = EncodePlain(rest[..plain], ids, count);
            if (id >= 0)
            {
                count = Append(id, ids, count);
            }

            rest = rest[(plain + length)..];
        }

        return count;
    }

    private static int Append(int id, Span<int> ids, int count)
    {
        if (count == ids.Length)
        {
            ThrowNoRoom(ids.Length);
        }

        ids[count] = id;
        return count + 1;
    }

    [DoesNotReturn]
    private static void ThrowTooLong(int length) =>
        throw new ObservationException("text", $"at most {MaxTextCharacters} characters", $"{length}");

    [DoesNotReturn]
    private static void ThrowNoRoom(int room) => throw new ObservationException("text", $"at most {room} tokens", "more");

    private int Begin(Span<int> ids) =>
        beginToken >= 0 ? Append(beginToken, ids, 0) : throw new InvalidOperationException("The tokenizer was given no begin token.");

    private int EncodePlain(ReadOnlySpan<byte> text, Span<int> ids, int count)
    {
        for (int length; (length = PreTokenScanner.Next(text)) > 0; text = text[length..])
        {
            int written = merger.Encode(text[..length], ids[count..]);
            if (written < 0)
            {
                ThrowNoRoom(ids.Length);
            }

            count += written;
        }

        return count;
    }
}
