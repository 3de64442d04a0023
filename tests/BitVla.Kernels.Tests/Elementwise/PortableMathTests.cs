using BitVla.Kernels.Elementwise;

namespace BitVla.Kernels.Tests.Elementwise;

public class PortableMathTests
{
    [Fact]
    public void SinAndCos_AnglesUpTo5000_AreWithinTwoUnitsOfTheLibrary()
    {
        for (int i = -100_000; i <= 100_000; i++)
        {
            double x = i * 0.0500012345678901;
            Close(Math.Sin(x), PortableMath.Sin(x), 2.5, x);
            Close(Math.Cos(x), PortableMath.Cos(x), 2.5, x);
        }
    }

    [Fact]
    public void Sin_LanczosArguments_AreWithinTwoUnitsOfTheLibrary()
    {
        for (int i = -30_000; i <= 30_000; i++)
        {
            double x = Math.PI * i * 1e-4;
            Close(Math.Sin(x), PortableMath.Sin(x), 2.5, x);
        }
    }

    [Fact]
    public void Sin_Zero_IsZero() => Assert.Equal(0.0, PortableMath.Sin(0.0));

    [Fact]
    public void Pow_RotaryFrequencies_AreWithinTwoUnitsOfTheLibrary()
    {
        foreach (double theta in (double[])[10_000.0, 500_000.0, 1_000_000.0])
        {
            for (int d = 2; d <= 256; d += 2)
            {
                for (int i = 0; i < d / 2; i++)
                {
                    double y = -2.0 * i / d;
                    Close(Math.Pow(theta, y), PortableMath.Pow(theta, y), 2.5, y);
                }
            }
        }
    }

    [Fact]
    public void ExpAndLog_DenseSweep_AreWithinTwoUnitsOfTheLibrary()
    {
        for (int i = -70_000; i <= 70_000; i++)
        {
            double x = i * 0.0100123;
            Close(Math.Exp(x), PortableMath.Exp(x), 2.5, x);
            double y = Math.Exp(x * 0.3);
            Close(Math.Log(y), PortableMath.Log(y), 2.5, y);
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e7)]
    public void Sin_OutOfRange_IsRefused(double x) => Assert.Throws<ArgumentOutOfRangeException>(() => PortableMath.Sin(x));

    private static void Close(double expected, double actual, double units, double x) =>
        Assert.True(
            Math.Abs(actual - expected) <= units * (Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected)),
            $"At {x:R}: {actual:R}, library {expected:R}.");
}
