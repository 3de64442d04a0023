using BitVla.Kernels.Floats;

namespace BitVla.Kernels.Tests.Elementwise;

public unsafe class LaneMathTests
{
    [Fact]
    public void Exp_DenseSweep_IsWithinOneAndAHalfUnits() =>
        Assert.InRange(WorstUnits(LaneMath<Lanes16Portable>.Exp, Math.Exp, -87f, 88f), 0.0, 1.5);

    [Fact]
    public void Exp_OutsideTheClamp_IsNormalAndFinite()
    {
        Assert.True(float.IsNormal(Single(LaneMath<Lanes16Portable>.Exp, -1000f)));
        Assert.True(float.IsNormal(Single(LaneMath<Lanes16Portable>.Exp, float.NegativeInfinity)));
        Assert.True(float.IsNormal(Single(LaneMath<Lanes16Portable>.Exp, 1000f)));
        Assert.Equal(1f, Single(LaneMath<Lanes16Portable>.Exp, 0f));
    }

    [Fact]
    public void Tanh_DenseSweep_IsWithinTwoUnits() =>
        Assert.InRange(WorstUnits(LaneMath<Lanes16Portable>.Tanh, Math.Tanh, -12f, 12f), 0.0, 2.0);

    [Fact]
    public void Erf_DenseSweep_IsWithinTwoUnits() =>
        Assert.InRange(WorstUnits(LaneMath<Lanes16Portable>.Erf, Erf, -5f, 5f), 0.0, 2.0);

    private static float Single(Func<Lanes16Portable, Lanes16Portable> function, float x)
    {
        float* y = stackalloc float[16];
        Lanes16Portable.Store(function(Lanes16Portable.Broadcast(x)), y);
        return y[3];
    }

    // Largest distance from the true value, in units in the last place of its float32.
    private static double WorstUnits(Func<Lanes16Portable, Lanes16Portable> function, Func<double, double> exact, float from, float to)
    {
        const int Steps = 400_000;
        float* x = stackalloc float[16];
        float* y = stackalloc float[16];
        double worst = 0.0;
        for (int i = 0; i < Steps; i += 16)
        {
            for (int lane = 0; lane < 16; lane++)
            {
                x[lane] = from + (float)((double)(to - from) * (i + lane) / (Steps - 1));
            }

            Lanes16Portable.Store(function(Lanes16Portable.Load(x)), y);
            for (int lane = 0; lane < 16; lane++)
            {
                double truth = exact(x[lane]);
                float magnitude = MathF.Abs((float)truth);
                double unit = MathF.BitIncrement(magnitude) - magnitude;
                worst = Math.Max(worst, Math.Abs(y[lane] - truth) / unit);
            }
        }

        return worst;
    }

    // Power series up to 3, continued fraction of erfc beyond: about 1e-13, far below a float32 unit.
    private static double Erf(double x)
    {
        double a = Math.Abs(x);
        double result;
        if (a < 3.0)
        {
            double sum = 0.0, term = a;
            for (int n = 0; Math.Abs(term) > 1e-18; n++)
            {
                sum += term / ((2 * n) + 1);
                term *= -a * a / (n + 1);
            }

            result = sum * 2.0 / Math.Sqrt(Math.PI);
        }
        else
        {
            double fraction = a;
            for (int n = 80; n > 0; n--)
            {
                fraction = a + (n / 2.0 / fraction);
            }

            result = 1.0 - (Math.Exp(-a * a) / fraction / Math.Sqrt(Math.PI));
        }

        return x < 0.0 ? -result : result;
    }
}
