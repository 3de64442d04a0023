using System.Globalization;
using System.Text;

namespace BitVla.Format;

/// <summary>Text from files made safe to print: a name may hold escape sequences that a terminal obeys, or turn the line around.</summary>
public static class TerminalText
{
    /// <summary>The text with control, format (bidirectional marks among them) and line separator characters written as <c>\u{1b}</c>.</summary>
    public static string Clean(string text)
    {
        if (!NeedsCleaning(text))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (IsHarmless(rune))
            {
                clean.Append(rune.ToString());
            }
            else
            {
                clean.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            }
        }

        return clean.ToString();
    }

    private static bool NeedsCleaning(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!IsHarmless(rune))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
