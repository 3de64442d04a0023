using BitVla.Format;
using BitVla.Kernels.Dense;
using BitVla.Kernels.Ternary;

namespace BitVla.Model;

/// <summary>A ternary linear layer: weight view, scales and bias; no arithmetic inside.</summary>
internal readonly unsafe struct BitLinear(TernaryMatrix weight, float* bias)
{
    public TernaryMatrix Weight { get; } = weight;

    public float* Bias { get; } = bias;
}

/// <summary>A bf16 linear layer.</summary>
internal readonly unsafe struct DenseLinear(DenseMatrix weight, float* bias)
{
    public DenseMatrix Weight { get; } = weight;

    public float* Bias { get; } = bias;
}

/// <summary>Weight and bias of a LayerNorm.</summary>
internal readonly unsafe struct LayerNormWeights(float* weight, float* bias)
{
    public float* Weight { get; } = weight;

    public float* Bias { get; } = bias;
}

/// <summary>Turns tensors of a packed file into the views that layers hold. Nothing is copied.</summary>
internal static unsafe class Weights
{
    public static BitLinear Ternary(PackedModel model, Func<string, string> name, int k, bool bias, params ReadOnlySpan<int> segmentRows)
    {
        Span<int> ends = stackalloc int[segmentRows.Length];
        int n = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = n += segmentRows[i];
        }

        var gains = new ReadOnlySpan<float>(model.Floats(name("scale")), ends.Length);
        return new BitLinear(new TernaryMatrix(model.Data(name("weight")), n, k, gains, ends), bias ? model.Floats(name("bias")) : null);
    }

    public static LayerNormWeights Norm(PackedModel model, string weight, string bias) => new(model.Floats(weight), model.Floats(bias));

    /// <summary>1/sqrt(head width), rounded to float32 once.</summary>
    public static float AttentionScale(int headDim) => (float)(1.0 / Math.Sqrt(headDim));

    public static DenseLinear Dense(PackedModel model, string weight, string bias, int n, int k) =>
        new(new DenseMatrix((ushort*)model.Data(weight), n, k), model.Floats(bias));
}
