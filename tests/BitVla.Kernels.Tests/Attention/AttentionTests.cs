using BitVla.Kernels.Elementwise;
using BitVla.TestKit;

namespace BitVla.Kernels.Tests.Attention;

public unsafe class AttentionTests
{
    [Theory]
    [InlineData(1, 1, 1, 1, 1, 16)]
    [InlineData(1, 5, 17, 4, 1, 72)]
    [InlineData(2, 19, 19, 3, 3, 72)]
    [InlineData(1, 37, 40, 4, 2, 24)]
    [InlineData(1, 56, 151, 8, 2, 32)]
    [InlineData(3, 16, 16, 2, 1, 2)]
    [InlineData(1, 40, 300, 4, 1, 128)]
    [InlineData(1, 3, 700, 2, 2, 40)]
    public void Attention_AwkwardShapes_AgreeWithDoubleAndGiveTheSameBits(int batches, int queries, int keys, int heads, int kvHeads, int headDim)
    {
        float[] q = FloatRig.Gaussian(batches * queries * heads * headDim, 301, 2f);
        float[] k = FloatRig.Gaussian(batches * keys * kvHeads * headDim, 302, 2f);
        float[] v = FloatRig.Gaussian(batches * keys * kvHeads * headDim, 303);
        float scale = 1f / MathF.Sqrt(headDim);
        float[] truth = InDouble(q, k, v, batches, queries, keys, heads, kvHeads, headDim, scale);
        FloatRig.SameBitsEverywhere(o =>
        {
            float[] y = FloatRig.Attention(o, q, k, v, batches, queries, keys, heads, kvHeads, headDim, scale);
            FloatRig.CloseRows(truth, y, headDim * heads, 2e-5);
            return y;
        });
    }

    [Fact]
    public void Attention_ZeroQueries_AttendUniformly()
    {
        // The action slots enter layer 0 as zeros: their rows must be the mean of the values, and identical.
        float[] k = FloatRig.Gaussian(33 * 32, 311);
        float[] v = FloatRig.Gaussian(33 * 32, 312);
        using Operations o = FloatRig.Create(FloatRig.Best, 2);
        float[] y = FloatRig.Attention(o, new float[9 * 32], k, v, 1, 9, 33, 1, 1, 32, 0.2f);
        for (int row = 1; row < 9; row++)
        {
            FloatRig.EqualBits(y.AsSpan(0, 32), y.AsSpan(row * 32, 32), "slot row");
        }
    }

    [Fact]
    public void Attention_HugeScores_StayFinite()
    {
        float[] q = FloatRig.Gaussian(7 * 16, 321, 1000f);
        float[] k = FloatRig.Gaussian(21 * 16, 322, 1000f);
        float[] v = FloatRig.Gaussian(21 * 16, 323);
        FloatRig.SameBitsEverywhere(o =>
        {
            float[] y = FloatRig.Attention(o, q, k, v, 1, 7, 21, 1, 1, 16, 1f);
            Assert.All(y, value => Assert.True(float.IsFinite(value)));
            return y;
        });
    }

    [Theory]
    [InlineData("d128", 128)]
    [InlineData("d40", 40)]
    public void Rope_Golden_Agrees(string name, int headDim)
    {
        Goldens g = Goldens.Open("units", "rope.safetensors");
        int half = headDim / 2;
        long[] positions = g.Integers(name + "_fp32.positions");
        float[] cosines = g.Floats(name + "_fp32.cos");
        float[] sines = g.Floats(name + "_fp32.sin");
        float[] frequencies = g.Floats(name + ".inv_freq");
        int m = positions.Length;

        // The tables as the model makes them: double, rounded where the authors' float32 run rounds.
        var cos = new float[m * half];
        var sin = new float[m * half];
        for (int i = 0; i < cos.Length; i++)
        {
            float frequency = (float)(1.0 / (float)PortableMath.Pow(500000.0, (float)(2.0 * (i % half) / headDim)));
            Assert.InRange(frequency, frequencies[i % half] * (1 - 1e-6f), frequencies[i % half] * (1 + 1e-6f));
            float angle = positions[i / half] * frequencies[i % half];
            cos[i] = (float)PortableMath.Cos(angle);
            sin[i] = (float)PortableMath.Sin(angle);
            Assert.InRange(cos[i], cosines[(i / half * headDim) + (i % half)] - 1e-6f, cosines[(i / half * headDim) + (i % half)] + 1e-6f);
            Assert.InRange(sin[i], sines[(i / half * headDim) + (i % half)] - 1e-6f, sines[(i / half * headDim) + (i % half)] + 1e-6f);
        }

        Rotate("q", 4);
        Rotate("k", 1);

        void Rotate(string letter, int heads)
        {
            // The golden is [heads, m, headDim]; ours is [m, heads·headDim].
            float[] input = Interleave(g.Floats($"{name}_fp32.{letter}"), heads, m, headDim);
            float[] expected = Interleave(g.Floats($"{name}_fp32.{letter}_rot"), heads, m, headDim);
            FloatRig.SameBitsEverywhere(o =>
            {
                using GuardedBuffer<float> x = FloatRig.Guard(input), c = FloatRig.Guard(cos), s = FloatRig.Guard(sin);
                o.Rope(x.Start, heads * headDim, m, 0, heads, headDim, c.Start, s.Start, default);
                FloatRig.CloseRows(expected, x.Span, headDim, 1e-6);
                return x.Span.ToArray();
            });
        }
    }

    [Fact]
    public void Attention_LanguageModelGolden_Agrees()
    {
        Goldens g = Goldens.Open("units", "attention.safetensors");
        const int M = 23, D = 160, Heads = 4, HeadDim = 40, Half = HeadDim / 2;
        using Operations o = FloatRig.Create(FloatRig.Best, 2);
        float[] x = g.Floats("llm_fp32.in");
        float[] q = BitLinear(o, x, g.Floats("llm.q_proj.weight"), null, D, D);
        float[] k = BitLinear(o, x, g.Floats("llm.k_proj.weight"), null, HeadDim, D);
        float[] v = BitLinear(o, x, g.Floats("llm.v_proj.weight"), null, HeadDim, D);
        var cos = new float[M * Half];
        var sin = new float[M * Half];
        for (int i = 0; i < cos.Length; i++)
        {
            float angle = i / Half * (float)PortableMath.Pow(500000.0, -2.0 * (i % Half) / HeadDim);
            cos[i] = (float)PortableMath.Cos(angle);
            sin[i] = (float)PortableMath.Sin(angle);
        }

        fixed (float* qs = q, ks = k, c = cos, s = sin)
        {
            o.Rope(qs, D, M, 0, Heads, HeadDim, c, s, TestContext.Current.CancellationToken);
            o.Rope(ks, HeadDim, M, 0, 1, HeadDim, c, s, TestContext.Current.CancellationToken);
        }

        float[] context = FloatRig.Attention(o, q, k, v, 1, M, M, Heads, 1, HeadDim, 1f / MathF.Sqrt(HeadDim));
        float[] normed = FloatRig.RmsNorm(o, context, D, g.Floats("llm.attn_sub_norm.weight"), 1e-5f);
        FloatRig.CloseRows(g.Floats("llm_fp32.out_bidirectional"), BitLinear(o, normed, g.Floats("llm.o_proj.weight"), null, D, D), D);
    }

    [Fact]
    public void Attention_VisionGolden_Agrees()
    {
        Goldens g = Goldens.Open("units", "attention.safetensors");
        const int M = 19, D = 144, Heads = 2, HeadDim = 72;
        using Operations o = FloatRig.Create(FloatRig.Best, 2);
        float[] x = g.Floats("vit_fp32.in");
        float[] q = BitLinear(o, x, g.Floats("vit.q_proj.weight"), g.Floats("vit.q_proj.bias"), D, D);
        float[] k = BitLinear(o, x, g.Floats("vit.k_proj.weight"), g.Floats("vit.k_proj.bias"), D, D);
        float[] v = BitLinear(o, x, g.Floats("vit.v_proj.weight"), g.Floats("vit.v_proj.bias"), D, D);
        float[] context = FloatRig.Attention(o, q, k, v, 1, M, M, Heads, Heads, HeadDim, 1f / MathF.Sqrt(HeadDim));
        float[] y = BitLinear(o, context, g.Floats("vit.out_proj.weight"), g.Floats("vit.out_proj.bias"), D, D);
        FloatRig.CloseRows(g.Floats("vit_fp32.out_sdpa"), y, D);
    }

    // The authors' fake quantisation in double, beside the engine's own quantiser of activations.
    private static float[] BitLinear(Operations o, float[] x, float[] weight, float[]? bias, int n, int k)
    {
        float mean = MathF.Max((float)(weight.Sum(w => Math.Abs((double)w)) / weight.Length), 1e-5f);
        float s = 1f / mean;
        float[] ternary = [.. weight.Select(w => Math.Clamp(MathF.Round(w * s, MidpointRounding.ToEven), -1f, 1f))];
        int m = x.Length / k;
        int stride = QuantizedActivations.StrideFor(k);
        float[] levels = FloatRig.Quantized(o, m, k, (Operations operations, in QuantizedActivations q) =>
        {
            using GuardedBuffer<float> input = FloatRig.Guard(x);
            operations.Quantize(input.Start, k, q, default);
        });
        var y = new float[m * n];
        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0.0;
            for (int j = 0; j < k; j++)
            {
                sum += levels[(i / n * stride) + j] * ternary[(i % n * k) + j];
            }

            y[i] = (float)((sum / s / levels[(m * stride) + (i / n)]) + (bias?[i % n] ?? 0f));
        }

        return y;
    }

    private static float[] Interleave(float[] headsFirst, int heads, int m, int headDim)
    {
        var rows = new float[headsFirst.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            int head = i / (m * headDim);
            int row = i / headDim % m;
            rows[(((row * heads) + head) * headDim) + (i % headDim)] = headsFirst[i];
        }

        return rows;
    }

    private static float[] InDouble(
        float[] q, float[] k, float[] v, int batches, int queries, int keys, int heads, int kvHeads, int headDim, float scale)
    {
        var y = new float[q.Length];
        var p = new double[keys];
        for (int row = 0; row < batches * queries; row++)
        {
            for (int head = 0; head < heads; head++)
            {
                int qAt = ((row * heads) + head) * headDim;
                int kvHead = head / (heads / kvHeads);
                for (int key = 0; key < keys; key++)
                {
                    int kAt = KeyAt(row, key, kvHead);
                    double dot = 0.0;
                    for (int i = 0; i < headDim; i++)
                    {
                        dot += (double)q[qAt + i] * k[kAt + i];
                    }

                    p[key] = dot * scale;
                }

                double max = p.Max();
                double sum = 0.0;
                for (int key = 0; key < keys; key++)
                {
                    sum += p[key] = Math.Exp(p[key] - max);
                }

                for (int i = 0; i < headDim; i++)
                {
                    double value = 0.0;
                    for (int key = 0; key < keys; key++)
                    {
                        value += p[key] * v[KeyAt(row, key, kvHead) + i];
                    }

                    y[qAt + i] = (float)(value / sum);
                }
            }
        }

        return y;

        int KeyAt(int row, int key, int kvHead) => ((((row / queries * keys) + key) * kvHeads) + kvHead) * headDim;
    }
}
