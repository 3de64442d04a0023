namespace BitVla.Model.Tests.Text;

public sealed class TokenizerTableTests(Llama3Vocabulary llama3, ITestOutputHelper output) : IClassFixture<Llama3Vocabulary>
{
    // The reader refuses tables in which an entry is more than 1024 slots away from its own; the vocabulary it is made for stays far below.
    [Fact]
    public void LongestProbe_Llama3_IsFarBelowTheLimit()
    {
        output.WriteLine($"longest probe {llama3.Model.Tokenizer.LongestProbe}");
        Assert.InRange(llama3.Model.Tokenizer.LongestProbe, 1, 128);
    }
}
