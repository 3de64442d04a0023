using BitVla.Model.Text;

namespace BitVla.Model.Tests.Text;

public class LowerCaseTests
{
    // Expected values are what Python's str.lower prints.
    [Theory]
    [InlineData("Pick UP the BLUE bowl ", "pick up the blue bowl ")]
    [InlineData("ÄÖÜ ẞ É İI ı", "äöü ß é i\u0307i ı")]
    [InlineData("\u212A \u2126 \u01C5 \U00010400", "k ω ǆ \U00010428")]
    [InlineData("ΣΤΟΠ ΟΔΟΣ, ΟΔΟΣ. Σ AΣ' AΣ'B", "στοπ οδος, οδος. σ aς' aσ'b")]
    [InlineData("Α\u0301Σ Α\u0301Σ\u0301Β", "α\u0301ς α\u0301σ\u0301β")]
    [InlineData("", "")]
    public void LowerCase_Text_EqualsPython(string text, string expected)
    {
        char[] lower = new char[64];
        Assert.Equal(expected, new string(lower, 0, LowerCase.Write(text, lower)));
    }

    [Fact]
    public void LowerCase_LoneSurrogates_StayForTheTokenizer()
    {
        char[] lower = new char[8];
        Assert.Equal("\ud800a\udc00", new string(lower, 0, LowerCase.Write("\ud800A\udc00", lower)));
    }

    [Theory]
    [InlineData("AB", 2, 2)]
    [InlineData("ABC", 2, -1)]
    [InlineData("İ", 1, -1)]
    [InlineData("A\U00010400", 2, -1)]
    [InlineData("A\U00010400", 3, 3)]
    public void LowerCase_RoomAroundTheLength_FitsOrIsRefused(string text, int room, int expected) =>
        Assert.Equal(expected, LowerCase.Write(text, new char[room]));
}
