using BitVla.Kernels.Dispatch;

namespace BitVla.Kernels.Tests.Dispatch;

public sealed class KernelSelectorTests
{
    // A run under emulation says which kernel its processor must get, so that a silent fall-back cannot pass.
    [Fact]
    public void Select_OnAnnouncedProcessor_GivesTheExpectedKernel()
    {
        string? expected = Environment.GetEnvironmentVariable("EXPECT_KERNEL");
        Assert.Equal(expected ?? KernelSelector.Available[0], KernelSelector.Select(null).Name);
    }

    [Fact]
    public void Select_EachAvailableName_GivesThatKernelAndItsFloatPath()
    {
        foreach (string name in KernelSelector.Available)
        {
            KernelChoice choice = KernelSelector.Select(name);
            Assert.Equal(name, choice.Name);
            Assert.Contains("forced", choice.Reason, StringComparison.Ordinal);
            Assert.Equal(name switch { "avx2" => FloatPath.Avx2, "neon-dot" => FloatPath.Neon, _ => FloatPath.Portable }, choice.FloatPath);
        }
    }

    [Fact]
    public void Select_NameThisProcessorLacks_IsRefusedWithWhatIsAvailable()
    {
        string[] lacking = [.. KernelSelector.Names.Except(KernelSelector.Available)];
        Assert.NotEmpty(lacking);
        foreach (string name in lacking)
        {
            var refusal = Assert.Throws<KernelUnavailableException>(() => KernelSelector.Select(name));
            Assert.Contains($"'{name}'", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("needs", refusal.Message, StringComparison.Ordinal);
            Assert.Contains(string.Join(", ", KernelSelector.Available), refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("AVX2")]
    [InlineData("avx512")]
    public void Select_UnknownName_IsRefusedWithTheNamesThereAre(string name)
    {
        var refusal = Assert.Throws<KernelUnavailableException>(() => KernelSelector.Select(name));
        Assert.Contains(string.Join(", ", KernelSelector.Names), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Available_Always_EndsWithTheReference() => Assert.Equal("reference", KernelSelector.Available[^1]);

    [Fact]
    public void Select_Null_SaysWhatWasPassedOver()
    {
        KernelChoice choice = KernelSelector.Select(null);
        foreach (string better in KernelSelector.Names.TakeWhile(name => name != choice.Name))
        {
            Assert.Contains($"passed over {better}", choice.Reason, StringComparison.Ordinal);
        }
    }
}
