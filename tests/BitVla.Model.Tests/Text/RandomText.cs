using System.Text;

namespace BitVla.Model.Tests.Text;

/// <summary>Seeded texts that reach every branch of the scanner.</summary>
internal static class RandomText
{
    // Line ends, every kind of space, apostrophes with contraction letters and the long s, digits of several scripts, marks, symbols.
    private const string Awkward =
        "\r\n\t\v\f \u0085\u00a0\u1680\u2003\u2028\u2029\u3000\u200b\ufeff\u180e'''sStTrReEvVmMlLdD\u017f\u212a019\u0663\u216b\u00bd\u0301\u093e!?.,<>|_\u00df\u00e9\u01c5\u02b0\u4e2d\u3042\0\u001b";

    private static readonly string[] Beyond = ["\U00010400", "\U0001D7D8", "\U0001F916", "\U00020000", "\U000E0001", "\U0010FFFD", "\U00010140"];

    private static readonly string[] Phrases =
    [
        "pick", " up", "don't", "  ", "\n", " 12345", "the", "THE", "<|eot_id|>", "<action_7>", "<|", "pad|>", "'re", "...",
        "é", "机器", "🤖", "_", " ?",
    ];

    /// <summary>Awkward characters of the basic plane, no surrogates.</summary>
    public static string Basic(Random random, int length)
    {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++)
        {
            char c = random.Next(8) == 0 ? (char)random.Next(0x10000) : Awkward[random.Next(Awkward.Length)];
            text.Append(char.IsSurrogate(c) ? '-' : c);
        }

        return text.ToString();
    }

    /// <summary>Any scalars, those beyond the basic plane among them.</summary>
    public static string Any(Random random, int length)
    {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++)
        {
            text.Append(random.Next(4) switch
            {
                0 => Beyond[random.Next(Beyond.Length)],
                1 => Phrases[random.Next(Phrases.Length)],
                _ => Basic(random, 1),
            });
        }

        return text.ToString();
    }

    /// <summary>Something like a sentence, never blank.</summary>
    public static string Words(Random random, int length) =>
        "go" + string.Concat(Enumerable.Range(0, random.Next(length)).Select(_ => Phrases[random.Next(Phrases.Length)]));
}
