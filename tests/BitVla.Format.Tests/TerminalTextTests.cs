namespace BitVla.Format.Tests;

public sealed class TerminalTextTests
{
    [Theory]
    [InlineData("blk.0.attn_qkv.weight", "blk.0.attn_qkv.weight")]
    [InlineData("Ġçé 日本 🤖", "Ġçé 日本 🤖")]
    [InlineData("a\u001b[2Jb", "a\\u{1b}[2Jb")]
    [InlineData("a\nb\r\tc\0", "a\\u{a}b\\u{d}\\u{9}c\\u{0}")]
    [InlineData("\u009bm\u007f", "\\u{9b}m\\u{7f}")]
    [InlineData("a\u202egnp.exe", "a\\u{202e}gnp.exe")]
    [InlineData("\u2066x\u2069\u200b\ufeff\u2028\u2029", "\\u{2066}x\\u{2069}\\u{200b}\\u{feff}\\u{2028}\\u{2029}")]
    [InlineData("\U000e0041", "\\u{e0041}")]
    public void Clean_Text_ShowsWhatATerminalWouldObey(string text, string expected) => Assert.Equal(expected, TerminalText.Clean(text));

    [Fact]
    public void ArtifactException_HostileParts_AreCleanInTheMessageAndAsTheyWereInProperties()
    {
        var refusal = new ArtifactException(ArtifactError.Missing, "f\u001b]0;x\u0007", "n\u202e", "e\n", "x\u001b[1m" + new string('y', 100_000));
        Assert.Equal("n\u202e", refusal.Field);
        Assert.DoesNotContain(refusal.Message, c => char.IsControl(c) || c == '\u202e');
        Assert.True(refusal.Message.Length < 2000, "a value of a hostile file fills the screen");
    }
}
