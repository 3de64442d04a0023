using BitVla.Format;

namespace BitVla.Model.Vision;

/// <summary>A linear layer of the tower: ternary, or bf16 in the variant that is not quantised; the other is empty.</summary>
internal readonly record struct VisionLinear(BitLinear Ternary, DenseLinear Dense);

/// <summary>Weights of one encoder layer.</summary>
internal sealed class VisionLayer
{
    public VisionLayer(PackedModel model, int layer)
    {
        var g = model.Manifest.Geometry;
        int width = g.VisionWidth;
        string Name(string part, string kind) => TensorNames.Vision(layer, part, kind);
        VisionLinear Linear(string part, int k, params ReadOnlySpan<int> segmentRows)
        {
            int n = 0;
            foreach (int rows in segmentRows)
            {
                n += rows;
            }

            return g.VisionTernary
                ? new(Weights.Ternary(model, kind => Name(part, kind), k, bias: true, segmentRows), default)
                : new(default, Weights.Dense(model, Name(part, "weight"), Name(part, "bias"), n, k));
        }

        Norm1 = Weights.Norm(model, Name("ln1", "weight"), Name("ln1", "bias"));
        Qkv = Linear("attn_qkv", width, width, width, width);
        Out = Linear("attn_out", width, width);
        Norm2 = Weights.Norm(model, Name("ln2", "weight"), Name("ln2", "bias"));
        Up = Linear("ffn_up", width, g.VisionFeedForward);
        Down = Linear("ffn_down", g.VisionFeedForward, width);
    }

    public LayerNormWeights Norm1 { get; }

    public VisionLinear Qkv { get; }

    public VisionLinear Out { get; }

    public LayerNormWeights Norm2 { get; }

    public VisionLinear Up { get; }

    public VisionLinear Down { get; }
}
