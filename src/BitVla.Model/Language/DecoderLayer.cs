using BitVla.Format;

namespace BitVla.Model.Language;

/// <summary>Weights of one decoder layer.</summary>
internal sealed unsafe class DecoderLayer
{
    public DecoderLayer(PackedModel model, int layer)
    {
        var g = model.Manifest.Geometry;
        string Name(string part, string kind) => TensorNames.Decoder(layer, part, kind);
        InputNorm = model.Floats(Name("attn_norm", "weight"));
        Qkv = Weights.Ternary(model, kind => Name("attn_qkv", kind), g.Width, bias: false, g.Width, g.KvWidth, g.KvWidth);
        AttentionSubNorm = model.Floats(Name("attn_sub_norm", "weight"));
        Output = Weights.Ternary(model, kind => Name("attn_output", kind), g.Width, bias: false, g.Width);
        PostAttentionNorm = model.Floats(Name("ffn_norm", "weight"));
        GateUp = Weights.Ternary(model, kind => Name("ffn_gate_up", kind), g.Width, bias: false, g.FeedForward, g.FeedForward);
        FfnSubNorm = model.Floats(Name("ffn_sub_norm", "weight"));
        Down = Weights.Ternary(model, kind => Name("ffn_down", kind), g.FeedForward, bias: false, g.Width);
    }

    public float* InputNorm { get; }

    public BitLinear Qkv { get; }

    public float* AttentionSubNorm { get; }

    public BitLinear Output { get; }

    public float* PostAttentionNorm { get; }

    public BitLinear GateUp { get; }

    public float* FfnSubNorm { get; }

    public BitLinear Down { get; }
}
