using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BitVla.Kernels.Elementwise;
using BitVla.TestKit;

namespace BitVla.Kernels.Tests.Elementwise;

public unsafe class FloatBitsTests
{
    // First half of the SHA-256 of the case below; the same on x64 and arm64, JIT and native. A change of it is a change of the bit contract.
    private const string Expected = "50AC6599BD57040EF5D2CAEB9098253D";

    /// <summary>
    /// Goal: the float stages give one set of bits on every processor, not only one per machine. Method: a seeded pass through
    /// each stage at awkward sizes, hashed and compared with a constant of the repository, on every path of this machine.
    /// </summary>
    [Fact]
    public void FloatStages_SeededPass_HashIsTheConstant()
    {
        FloatRig.SameBitsEverywhere(o =>
        {
            float[] bits = Pass(o);
            Assert.True(Array.TrueForAll(bits, float.IsFinite));
            Assert.Equal(Expected, Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(bits.AsSpan())))[..32]);
            return bits;
        });
    }

    private static float[] Pass(Operations o)
    {
        const int M = 45, K = 77, Heads = 4, HeadDim = 72, N = Heads * HeadDim, Half = HeadDim / 2;
        float[] x = FloatRig.LayerNorm(o, FloatRig.Gaussian(M * K, 401, 3f), K, FloatRig.Gaussian(K, 402), FloatRig.Gaussian(K, 403), 1e-6f);
        float[] q = FloatRig.Dense(o, x, K, FloatRig.Panels(FloatRig.Gaussian(N * K, 404), N, K), N, FloatRig.Gaussian(N, 405));
        float[] k = FloatRig.Dense(o, x, K, FloatRig.Panels(FloatRig.Gaussian(HeadDim * K, 406), HeadDim, K), HeadDim, null);
        float[] v = FloatRig.Dense(o, x, K, FloatRig.Panels(FloatRig.Gaussian(HeadDim * K, 407), HeadDim, K), HeadDim, null);
        var cos = new float[M * Half];
        var sin = new float[M * Half];
        for (int i = 0; i < cos.Length; i++)
        {
            float angle = (i / Half) * (float)PortableMath.Pow(500000.0, -2.0 * (i % Half) / HeadDim);
            cos[i] = (float)PortableMath.Cos(angle);
            sin[i] = (float)PortableMath.Sin(angle);
        }

        fixed (float* qs = q, ks = k, c = cos, s = sin)
        {
            o.Rope(qs, N, M, 0, Heads, HeadDim, c, s, TestContext.Current.CancellationToken);
            o.Rope(ks, HeadDim, M, 0, 1, HeadDim, c, s, TestContext.Current.CancellationToken);
        }

        float[] context = FloatRig.Attention(o, q, k, v, 1, M, M, Heads, 1, HeadDim, 1f / MathF.Sqrt(HeadDim));
        float[] y = FloatRig.RmsNorm(o, context, N, FloatRig.Gaussian(N, 408), 1e-5f);
        using GuardedBuffer<float> tanh = FloatRig.Guard(y), erf = FloatRig.Guard(y);
        o.GeluTanh(tanh.Start, N, M, N, TestContext.Current.CancellationToken);
        o.GeluErf(erf.Start, N, M, N, TestContext.Current.CancellationToken);
        float[] levels = FloatRig.Quantized(
            o, M, N, (Operations operations, in QuantizedActivations rows) => operations.Quantize(tanh.Start, N, rows, TestContext.Current.CancellationToken));
        return [.. context, .. y, .. tanh.Span, .. erf.Span, .. levels];
    }
}
