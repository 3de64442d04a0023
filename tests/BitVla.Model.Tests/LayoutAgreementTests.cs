using BitVla.Format;
using BitVla.Format.Layout;
using BitVla.Kernels.Dense;
using BitVla.Kernels.Ternary;

namespace BitVla.Model.Tests;

/// <summary>The file's layouts and the kernels' are stated twice, since neither room may see the other; they must be the same.</summary>
public sealed class LayoutAgreementTests
{
    [Fact]
    public void Layouts_OfFormatAndKernels_AreTheSame()
    {
        int[] ofFormat = [TernaryLayout.BlockChannels, TernaryLayout.BlockRowBytes, DenseLayout.PanelOutputs, ModelGeometry.MaxChannels];
        int[] ofKernels = [TernaryMatrix.BlockChannels, TernaryMatrix.BlockRowBytes, DenseMatrix.PanelOutputs, TernaryMatrix.MaxChannels];
        Assert.Equal(ofFormat, ofKernels);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(16, 32)]
    [InlineData(17, 33)]
    [InlineData(4304, 1152)]
    [InlineData(128264, 2560)]
    public void Sizes_OfFormatAndKernels_AreTheSame(int n, int k)
    {
        Assert.Equal(TernaryLayout.Bytes(n, k), TernaryMatrix.CodeBytes(n, k));
        Assert.Equal(DenseLayout.Elements(n, k) * sizeof(ushort), DenseMatrix.PanelBytes(n, k));
    }
}
