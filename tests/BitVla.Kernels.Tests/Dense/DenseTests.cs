using BitVla.TestKit;

namespace BitVla.Kernels.Tests.Dense;

public class DenseTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 8, 2560)]
    [InlineData(2, 255, 15)]
    [InlineData(3, 256, 16)]
    [InlineData(5, 257, 17)]
    [InlineData(6, 588, 72)]
    [InlineData(7, 513, 33)]
    [InlineData(8, 1024, 7)]
    [InlineData(47, 31, 144)]
    [InlineData(49, 72, 48)]
    [InlineData(98, 16, 1)]
    public void Dense_AwkwardShapes_EqualTheDefinitionOnEveryPath(int m, int k, int n)
    {
        float[] x = FloatRig.Gaussian(m * k, 201);
        float[] w = FloatRig.Gaussian(n * k, 202);
        float[] bias = FloatRig.Gaussian(n, 203);
        float[] residual = FloatRig.Gaussian(m * n, 204);
        ushort[] panels = FloatRig.Panels(w, n, k);
        var plain = new float[m * n];
        for (int i = 0; i < plain.Length; i++)
        {
            float sum = 0f;
            for (int j = 0; j < k; j++)
            {
                sum = MathF.FusedMultiplyAdd(x[(i / n * k) + j], FloatRig.Brain(w[(i % n * k) + j]), sum);
            }

            plain[i] = sum;
        }

        float[] biased = [.. plain.Select((sum, i) => sum + bias[i % n])];
        float[] added = [.. biased.Select((sum, i) => residual[i] + sum)];
        FloatRig.SameBitsEverywhere(o =>
        {
            float[] y = FloatRig.Dense(o, x, k, panels, n, bias);
            FloatRig.EqualBits(biased, y, "bias");
            FloatRig.EqualBits(plain, FloatRig.Dense(o, x, k, panels, n, null), "no bias");
            FloatRig.EqualBits(added, FloatRig.Dense(o, x, k, panels, n, bias, OutputMode.Add, residual), "residual");
            return y;
        });
    }

    [Theory]
    [InlineData(8, 17920, 32)]
    [InlineData(512, 588, 48)]
    public void Dense_ModelShapes_GiveTheSameBitsOnEveryPath(int m, int k, int n)
    {
        float[] x = FloatRig.Gaussian(m * k, 211);
        ushort[] panels = FloatRig.Panels(FloatRig.Gaussian(n * k, 212), n, k);
        FloatRig.SameBitsEverywhere(o => FloatRig.Dense(o, x, k, panels, n, null));
    }

    [Fact]
    public void Dense_Golden_Agrees()
    {
        Goldens g = Goldens.Open("units", "bitlinear.safetensors");
        ushort[] panels = FloatRig.Panels(g.Floats("vit_w32a32.weight"), 80, 216);
        using Operations o = FloatRig.Create(FloatRig.Best, 2);
        float[] y = FloatRig.Dense(o, g.Floats("vit_w32a32_fp32.in"), 216, panels, 80, g.Floats("vit_w32a32.bias"));
        FloatRig.CloseRows(g.Floats("vit_w32a32_fp32.out"), y, 80, 1e-5);
    }
}
