using BitVla.Format;
using BitVla.Kernels;

namespace BitVla.Model.Vision;

/// <summary>Weights of one encoder layer, ternary or bf16.</summary>
internal sealed unsafe class VisionLayer
{
    public VisionLayer(PackedModel model, int layer)
    {
        var g = model.Manifest.Geometry;
        int width = g.VisionWidth;
        string Name(string part, string kind) => TensorNames.Vision(layer, part, kind);
        Norm1 = Weights.Norm(model, Name("ln1", "weight"), Name("ln1", "bias"));
        Norm2 = Weights.Norm(model, Name("ln2", "weight"), Name("ln2", "bias"));
        if (g.VisionTernary)
        {
            Qkv = Weights.Ternary(model, kind => Name("attn_qkv", kind), width, bias: true, width, width, width);
            Out = Weights.Ternary(model, kind => Name("attn_out", kind), width, bias: true, width);
            Up = Weights.Ternary(model, kind => Name("ffn_up", kind), width, bias: true, g.VisionFeedForward);
            Down = Weights.Ternary(model, kind => Name("ffn_down", kind), g.VisionFeedForward, bias: true, width);
        }
        else
        {
            DenseLinear Dense(string part, int n, int k) => Weights.Dense(model, Name(part, "weight"), Name(part, "bias"), n, k);
            QkvDense = Dense("attn_qkv", 3 * width, width);
            OutDense = Dense("attn_out", width, width);
            UpDense = Dense("ffn_up", g.VisionFeedForward, width);
            DownDense = Dense("ffn_down", width, g.VisionFeedForward);
        }
    }

    public LayerNormWeights Norm1 { get; }

    public LayerNormWeights Norm2 { get; }

    public BitLinear Qkv { get; }

    public BitLinear Out { get; }

    public BitLinear Up { get; }

    public BitLinear Down { get; }

    public DenseLinear QkvDense { get; }

    public DenseLinear OutDense { get; }

    public DenseLinear UpDense { get; }

    public DenseLinear DownDense { get; }

    /// <summary>LayerNorm of x: into int8 levels for the ternary tower, into <paramref name="plain"/> for the bf16 one.</summary>
    public void NormInto(
        Operations operations, LayerNormWeights norm, ModelGeometry g, float* x, float* plain, in QuantizedActivations levels, CancellationToken cancellation)
    {
        if (g.VisionTernary)
        {
            operations.LayerNormQuantize(x, g.VisionWidth, norm.Weight, norm.Bias, g.VisionEpsilon, levels, cancellation);
        }
        else
        {
            operations.LayerNorm(x, g.VisionWidth, g.ImageTokens, g.VisionWidth, norm.Weight, norm.Bias, g.VisionEpsilon, plain, g.VisionWidth, cancellation);
        }
    }

    /// <summary>The linear layer in the tower's arithmetic.</summary>
    public void Product(
        Operations operations, in BitLinear ternary, in DenseLinear dense, bool isTernary, in QuantizedActivations levels, float* plain, nint plainStride,
        int rows, float* y, nint yStride, OutputMode mode, CancellationToken cancellation)
    {
        if (isTernary)
        {
            operations.BitLinear(ternary.Weight, levels, ternary.Bias, y, yStride, mode, cancellation);
        }
        else
        {
            operations.Dense(dense.Weight, plain, plainStride, rows, dense.Bias, y, yStride, mode, cancellation);
        }
    }
}
