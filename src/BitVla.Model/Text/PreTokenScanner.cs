using System.Globalization;
using System.Text;

namespace BitVla.Model.Text;

/// <summary>Cuts text into pre-tokens, the stretches that merges never cross.</summary>
/// <remarks>
/// The regular expression of the Llama-3 tokenizer, alternative by alternative and without backtracking. Written by hand because
/// .NET's Regex sees UTF-16 units, so that letters beyond the BMP are no letters to it, and because it allocates.
///
/// (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
///
/// Letters and numbers are those of the runtime's Unicode tables, \s is the White_Space property. Source: BITVLA.md section 2.6.
/// </remarks>
internal static class PreTokenScanner
{
    private const int MaxDigits = 3;

    private enum Kind
    {
        End,
        Letter,
        Number,
        NewLine,
        Space,
        Other,
    }

    /// <summary>Bytes of the first pre-token of well-formed UTF-8; 0 when there is none left.</summary>
    /// <remarks>The end of the span is the end of the text: an added token ends a text to the authors' tokenizer.</remarks>
    public static int Next(ReadOnlySpan<byte> utf8)
    {
        int contraction = Contraction(utf8);
        if (contraction > 0)
        {
            return contraction;
        }

        Kind first = Classify(utf8, out int length);
        Kind second = first is Kind.Space or Kind.Other ? Classify(utf8[length..], out _) : Kind.End;
        return first switch
        {
            Kind.End => 0,
            Kind.Letter => Run(utf8, length, Kind.Letter, int.MaxValue),
            Kind.Number => Run(utf8, length, Kind.Number, MaxDigits - 1),
            Kind.Space or Kind.Other when second == Kind.Letter => Run(utf8, length, Kind.Letter, int.MaxValue),
            Kind.Other => Symbols(utf8, length),
            Kind.Space when utf8[0] == (byte)' ' && second == Kind.Other => Symbols(utf8, length),
            _ => WhiteSpace(utf8),
        };
    }

    private static int Contraction(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length < 2 || utf8[0] != (byte)'\'')
        {
            return 0;
        }

        // Setting bit 5 turns no byte but the capital into a small letter.
        int first = utf8[1] | 0x20;
        int second = utf8.Length > 2 ? utf8[2] | 0x20 : 0;
        return (first, second) switch
        {
            ('s' or 't' or 'm' or 'd', _) => 2,
            ('r' or 'v', 'e') or ('l', 'l') => 3,
            // U+017F, the long s: the one character outside ASCII that folds to a letter of the contractions.
            _ => utf8[1] == 0xC5 && utf8.Length > 2 && utf8[2] == 0xBF ? 3 : 0,
        };
    }

    private static int Run(ReadOnlySpan<byte> utf8, int from, Kind kind, int most)
    {
        int at = from;
        for (int taken = 0; taken < most && Classify(utf8[at..], out int length) == kind; taken++)
        {
            at += length;
        }

        return at;
    }

    private static int Symbols(ReadOnlySpan<byte> utf8, int from) =>
        Run(utf8, Run(utf8, from, Kind.Other, int.MaxValue), Kind.NewLine, int.MaxValue);

    // Up to the last line break of the run; without one, the whole run at the end of the text; else all but the last
    // character, which goes with the word that follows.
    private static int WhiteSpace(ReadOnlySpan<byte> utf8)
    {
        int at = 0;
        int lastStart = 0;
        int afterBreak = 0;
        for (Kind kind; (kind = Classify(utf8[at..], out int length)) is Kind.Space or Kind.NewLine;)
        {
            lastStart = at;
            at += length;
            if (kind == Kind.NewLine)
            {
                afterBreak = at;
            }
        }

        return afterBreak > 0 ? afterBreak : at == utf8.Length || lastStart == 0 ? at : lastStart;
    }

    private static Kind Classify(ReadOnlySpan<byte> utf8, out int length)
    {
        if (utf8.IsEmpty)
        {
            length = 0;
            return Kind.End;
        }

        byte lead = utf8[0];
        if (lead < 0x80)
        {
            length = 1;
            return lead switch
            {
                (byte)'\r' or (byte)'\n' => Kind.NewLine,
                (byte)' ' or (>= 9 and <= 13) => Kind.Space,
                _ => char.IsAsciiLetter((char)lead) ? Kind.Letter : char.IsAsciiDigit((char)lead) ? Kind.Number : Kind.Other,
            };
        }

        Rune.DecodeFromUtf8(utf8, out Rune rune, out length);
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
        };
    }
}
