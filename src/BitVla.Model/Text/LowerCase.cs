using System.Buffers;
using System.Globalization;
using System.Text;

namespace BitVla.Model.Text;

/// <summary>Lower case as Python's str.lower gives it, whatever the machine's language.</summary>
/// <remarks>
/// One to one but for two characters: U+0130 becomes an i and a dot above, and a capital sigma that ends a word becomes a final
/// sigma. What ends a word is told from general categories, which stand in for the Cased and Case_Ignorable properties.
/// </remarks>
internal static class LowerCase
{
    private const int CapitalIWithDot = 0x130;
    private const int CapitalSigma = 0x3A3;

    /// <summary>Writes the lower case of a text; returns how many characters, or -1 when they do not fit.</summary>
    public static int Write(ReadOnlySpan<char> text, Span<char> lower)
    {
        int count = 0;
        for (int at = 0; at < text.Length;)
        {
            var status = Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length);
            if (count + Length(rune) > lower.Length)
            {
                return -1;
            }

            if (status != OperationStatus.Done)
            {
                // A lone surrogate stays for the tokenizer to replace.
                lower[count++] = text[at];
            }
            else if (rune.Value == CapitalIWithDot)
            {
                lower[count++] = 'i';
                lower[count++] = '\u0307';
            }
            else if (rune.Value == CapitalSigma)
            {
                lower[count++] = EndsWord(text, at) ? '\u03C2' : '\u03C3';
            }
            else
            {
                count += Rune.ToLowerInvariant(rune).EncodeToUtf16(lower[count..]);
            }

            at += length;
        }

        return count;
    }

    private static int Length(Rune rune) => rune.Value == CapitalIWithDot ? 2 : Rune.ToLowerInvariant(rune).Utf16SequenceLength;

    private static bool EndsWord(ReadOnlySpan<char> text, int sigma)
    {
        bool before = false;
        for (var rest = text[..sigma]; !rest.IsEmpty;)
        {
            Rune.DecodeLastFromUtf16(rest, out Rune rune, out int length);
            rest = rest[..^length];
            if (!IsIgnorable(rune))
            {
                before = IsCased(rune);
                break;
            }
        }

        for (var rest = text[(sigma + 1)..]; before && !rest.IsEmpty;)
        {
            Rune.DecodeFromUtf16(rest, out Rune rune, out int length);
            rest = rest[length..];
            if (!IsIgnorable(rune))
            {
                return !IsCased(rune);
            }
        }

        return before;
    }

    private static bool IsCased(Rune rune) => Rune.GetUnicodeCategory(rune) <= UnicodeCategory.TitlecaseLetter;

    private static bool IsIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol
        || rune.Value is '\'' or '.' or ':' or 0xB7 or 0x387 or 0x2018 or 0x2019 or 0x2024 or 0x2027;
}
