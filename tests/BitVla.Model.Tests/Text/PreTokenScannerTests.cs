using System.Text;
using System.Text.RegularExpressions;
using BitVla.Model.Text;

namespace BitVla.Model.Tests.Text;

public partial class PreTokenScannerTests
{
    [Theory]
    [InlineData("I'm sure it'll DON'T", "I|'m| sure| it|'ll| DON|'T")]
    [InlineData("it'\u017f 'RE'Ve'x", "it|'\u017f| '|RE|'Ve|'x")]
    [InlineData("1234567", "123|456|7")]
    [InlineData("a  b", "a| | b")]
    [InlineData("a \n\n b  ", "a| \n\n| b|  ")]
    [InlineData("\r\n\t x", "\r\n|\t| x")]
    [InlineData("!!!\n\nx ?!y", "!!!\n\n|x| ?!|y")]
    [InlineData("\u00a0x\u0301y", "\u00a0x|\u0301y")]
    [InlineData(" 12 ,", " |12| ,")]
    [InlineData("'", "'")]
    [InlineData("", "")]
    [InlineData("\U00010400\U00010401 \U0001D7D8\U0001D7D9\U0001D7DA\U0001D7DB", "\U00010400\U00010401| |\U0001D7D8\U0001D7D9\U0001D7DA|\U0001D7DB")]
    public void PreTokenScanner_KnownText_IsCutAsWritten(string text, string expected) =>
        Assert.Equal(expected.Split('|', StringSplitOptions.RemoveEmptyEntries), Scan(text));

    [Fact]
    public void PreTokenScanner_RandomBasicPlaneText_EqualsTheRegularExpression()
    {
        var random = new Random(20260);
        for (int i = 0; i < 20_000; i++)
        {
            string text = RandomText.Basic(random, random.Next(1, 40));
            Assert.Equal(Expression().Matches(text).Select(m => m.Value), Scan(text));
        }
    }

    [Fact]
    public void PreTokenScanner_EveryBasicPlaneCharacter_EqualsTheRegularExpression()
    {
        for (int c = 0; c <= char.MaxValue; c++)
        {
            if (!char.IsSurrogate((char)c))
            {
                string text = $"'{(char)c} {(char)c}x1{(char)c}\n {(char)c}";
                Assert.Equal(Expression().Matches(text).Select(m => m.Value), Scan(text));
            }
        }
    }

    // The long s stands in the expression because .NET does not fold it; the authors' engine does.
    [GeneratedRegex(
        @"(?:'[sS\u017f]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        RegexOptions.CultureInvariant)]
    private static partial Regex Expression();

    private static List<string> Scan(string text)
    {
        var pieces = new List<string>();
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(text);
        for (int length; (length = PreTokenScanner.Next(rest)) > 0; rest = rest[length..])
        {
            pieces.Add(Encoding.UTF8.GetString(rest[..length]));
        }

        return pieces;
    }
}
