using BitVla.Format.Layout;

namespace BitVla.Format.Tests.Layout;

public class LayoutTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 31)]
    [InlineData(2, 32)]
    [InlineData(5, 33)]
    [InlineData(7, 4304)]
    public void TernaryLayout_EveryRow_ComesBack(int n, int k)
    {
        var random = new Random(11);
        var rows = Enumerable.Range(0, n).Select(_ => Enumerable.Range(0, k).Select(_ => (sbyte)random.Next(-1, 2)).ToArray()).ToArray();
        var codes = new byte[TernaryLayout.Bytes(n, k)];
        for (int row = 0; row < n; row++)
        {
            TernaryLayout.EncodeRow(rows[row], row, n, codes);
        }

        Assert.Equal(-1, TensorValues.IndexOfIllegalCode(codes));
        for (int row = 0; row < n; row++)
        {
            var decoded = new sbyte[k];
            TernaryLayout.DecodeRow(codes, row, n, decoded);
            Assert.Equal(rows[row], decoded);
            var padded = new sbyte[TernaryLayout.Blocks(k) * TernaryLayout.BlockChannels];
            TernaryLayout.DecodeRow(codes, row, n, padded);
            Assert.All(padded[k..], trit => Assert.Equal(0, trit));
        }
    }

    [Fact]
    public void TernaryLayout_WorkedExample_IsTheBytesOfTheDocument()
    {
        // Two rows of five channels: one block, eight bytes a row.
        var codes = new byte[16];
        TernaryLayout.EncodeRow([1, -1, 0, 1, -1], 0, 2, codes);
        TernaryLayout.EncodeRow([-1, -1, -1, -1, 1], 1, 2, codes);

        // 2 + 0·3 + 1·9 + 2·27 = 65; then 0 + 1·3 + 1·9 + 1·27 = 39; zeros are 40.
        Assert.Equal(new byte[] { 65, 39, 40, 40, 40, 40, 40, 40, 0, 41, 40, 40, 40, 40, 40, 40 }, codes);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 5)]
    [InlineData(16, 3)]
    [InlineData(17, 588)]
    public void DenseLayout_EveryRow_ComesBackAndPaddingStaysZero(int n, int k)
    {
        var panels = new ushort[DenseLayout.Elements(n, k)];
        var rows = Enumerable.Range(0, n).Select(row => Enumerable.Range(0, k).Select(i => (ushort)(1 + row * 131 + i)).ToArray()).ToArray();
        for (int row = 0; row < n; row++)
        {
            DenseLayout.EncodeRow(rows[row], row, panels);
        }

        for (int row = 0; row < n; row++)
        {
            var decoded = new ushort[k];
            DenseLayout.DecodeRow(panels, row, decoded);
            Assert.Equal(rows[row], decoded);
        }

        Assert.Equal(n * k, panels.Count(value => value != 0));
    }
}
