using BitVla.Format.Layout;
using BitVla.Kernels;
using BitVla.Kernels.Dispatch;
using BitVla.Kernels.Ternary;
using BitVla.Packing;
using BitVla.TestKit;

namespace BitVla.Parity.Tests;

/// <summary>From the authors' latent weights to a product: the packer's quantiser and layout, the engine's quantiser and kernels.</summary>
public sealed unsafe class BitLinearGoldenTests
{
    public static TheoryData<string> Kernels => [.. KernelSelector.Available];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void BitLinear_LanguageModelGolden_Agrees(string kernel) => Check(kernel, "llm", bias: false, n: 48, k: 160);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void BitLinear_VisionGolden_Agrees(string kernel) => Check(kernel, "vit_w1a8", bias: true, n: 80, k: 216);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Mlp_LanguageModelGolden_Agrees(string kernel)
    {
        const int D = 160, I = 120, M = 23;
        var golden = Goldens.Open("units", "attention.safetensors");
        using var operations = Create(kernel);
        float[] gate = Linear(operations, golden.Floats("llm_mlp_fp32.in"), golden.Floats("llm_mlp.gate_proj.weight"), null, I, D);
        float[] up = Linear(operations, golden.Floats("llm_mlp_fp32.in"), golden.Floats("llm_mlp.up_proj.weight"), null, I, D);
        float[] gateUp = [.. gate.Chunk(I).Zip(up.Chunk(I), (g, u) => g.Concat(u)).SelectMany(row => row)];
        using GuardedBuffer<float> input = new(gateUp), norm = new(golden.Floats("llm_mlp.ffn_sub_norm.weight"));
        using var down = new Packed(golden.Floats("llm_mlp.down_proj.weight"), D, I);
        float[] y = Product(operations, down, M, null, (in QuantizedActivations q) =>
            operations.SquaredReluGateNormQuantize(input.Start, 2 * I, norm.Start, 1e-5f, q, TestContext.Current.CancellationToken));
        Close(golden.Floats("llm_mlp_fp32.out"), y, D);
    }

    private static void Check(string kernel, string name, bool bias, int n, int k)
    {
        var golden = Goldens.Open("units", "bitlinear.safetensors");
        using var operations = Create(kernel);
        float[]? biases = bias ? golden.Floats($"{name}.bias") : null;
        float[] y = Linear(operations, golden.Floats($"{name}_fp32.in"), golden.Floats($"{name}.weight"), biases, n, k);
        Close(golden.Floats($"{name}_fp32.out"), y, n);
    }

    private static Operations Create(string kernel) => new(
        KernelSelector.Select(kernel),
        threads: 2,
        new OperationLimits(MaxColumns: 256, MaxKeys: 64, MaxKeyFeatures: 256));

    private static float[] Linear(Operations operations, float[] x, float[] weight, float[]? bias, int n, int k)
    {
        using var matrix = new Packed(weight, n, k);
        using var input = new GuardedBuffer<float>(x);
        return Product(operations, matrix, x.Length / k, bias, (in QuantizedActivations q) =>
            operations.Quantize(input.Start, k, q, TestContext.Current.CancellationToken));
    }

    private static float[] Product(Operations operations, Packed matrix, int m, float[]? bias, QuantizerRun quantize)
    {
        using GuardedBuffer<sbyte> levels = new(m * QuantizedActivations.StrideFor(matrix.K));
        using GuardedBuffer<float> scale = new(m), b = new(bias ?? []), y = new(m * matrix.N);
        var q = new QuantizedActivations(levels.Start, scale.Start, m, matrix.K);
        quantize(q);
        operations.BitLinear(
            matrix.Matrix, q, bias is null ? null : b.Start, y.Start, matrix.N, OutputMode.Store, TestContext.Current.CancellationToken);
        return y.Span.ToArray();
    }

    private static void Close(float[] expected, float[] actual, int columns)
    {
        double worst = Deviation.OfLargestInRow(actual, expected, columns);
        Assert.True(worst <= 1e-4, $"{worst:g3} of the row's largest magnitude.");
    }

    private delegate void QuantizerRun(in QuantizedActivations q);

    /// <summary>Latent weights [n, k] quantised and laid out as the packer does.</summary>
    private sealed class Packed : IDisposable
    {
        private readonly GuardedBuffer<byte> codes;
        private readonly float gain;

        public Packed(float[] weight, int n, int k)
        {
            (N, K) = (n, k);
            codes = new GuardedBuffer<byte>((int)TernaryLayout.Bytes(n, k));
            var quantizer = new AbsMeanQuantizer();
            quantizer.Add(weight);
            quantizer.Finish();
            gain = quantizer.Gain;
            var trits = new sbyte[k];
            for (int row = 0; row < n; row++)
            {
                quantizer.Quantize(weight.AsSpan(row * k, k), trits);
                TernaryLayout.EncodeRow(trits, row, n, codes.Span);
            }
        }

        public int N { get; }

        public int K { get; }

        public TernaryMatrix Matrix => new(codes.Start, N, K, [gain], [N]);

        public void Dispose() => codes.Dispose();
    }
}
