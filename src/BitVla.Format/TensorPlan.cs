using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Format;

/// <summary>The tensors of a geometry, in the order of use, the embedding table last: what a writer writes and a reader demands.</summary>
public static class TensorPlan
{
    /// <summary>All tensors of a model.</summary>
    public static IReadOnlyList<TensorPlanEntry> For(ModelGeometry g)
    {
        var plan = new List<TensorPlanEntry>();
        Dense(plan, TensorNames.PatchWeight, g.VisionWidth, g.PatchValues);
        Floats(plan, TensorNames.PatchBias, g.VisionWidth);
        plan.Add(new(TensorNames.VisionPosition, GgufTensorType.F32, [g.VisionWidth, g.Patches]));
        for (int i = 0; i < g.VisionLayers; i++)
        {
            VisionLayer(plan, g, i);
        }

        Dense(plan, TensorNames.ConnectorWeight1, g.Width, g.VisionWidth);
        Floats(plan, TensorNames.ConnectorBias1, g.Width);
        Dense(plan, TensorNames.ConnectorWeight2, g.Width, g.Width);
        Floats(plan, TensorNames.ConnectorBias2, g.Width);
        if (g.ProprioDim > 0)
        {
            Dense(plan, TensorNames.ProprioWeight1, g.Width, g.ProprioDim);
            Floats(plan, TensorNames.ProprioBias1, g.Width);
            Dense(plan, TensorNames.ProprioWeight2, g.Width, g.Width);
            Floats(plan, TensorNames.ProprioBias2, g.Width);
        }

        for (int i = 0; i < g.Layers; i++)
        {
            DecoderLayer(plan, g, i);
        }

        Floats(plan, TensorNames.FinalNorm, g.Width);
        if (g.ActionDim > 0)
        {
            ActionHead(plan, g);
        }

        if (g.HasLmHead)
        {
            Dense(plan, TensorNames.LmHead, g.VocabRows, g.Width);
        }

        plan.Add(new(TensorNames.EmbeddingRowXxh3, GgufTensorType.I64, [g.VocabRows]));
        plan.Add(new(TensorNames.Embedding, GgufTensorType.BF16, [g.Width, g.VocabRows]));
        return plan;
    }

    private static void VisionLayer(List<TensorPlanEntry> plan, ModelGeometry g, int i)
    {
        string Name(string part, string kind) => TensorNames.Vision(i, part, kind);
        void Linear(string part, int n, int k, int segments)
        {
            if (g.VisionTernary)
            {
                Ternary(plan, Name(part, "weight"), n, k);
                Floats(plan, Name(part, "scale"), segments);
            }
            else
            {
                Dense(plan, Name(part, "weight"), n, k);
            }

            Floats(plan, Name(part, "bias"), n);
        }

        Floats(plan, Name("ln1", "weight"), g.VisionWidth);
        Floats(plan, Name("ln1", "bias"), g.VisionWidth);
        Linear("attn_qkv", 3 * g.VisionWidth, g.VisionWidth, 3);
        Linear("attn_out", g.VisionWidth, g.VisionWidth, 1);
        Floats(plan, Name("ln2", "weight"), g.VisionWidth);
        Floats(plan, Name("ln2", "bias"), g.VisionWidth);
        Linear("ffn_up", g.VisionFeedForward, g.VisionWidth, 1);
        Linear("ffn_down", g.VisionWidth, g.VisionFeedForward, 1);
    }

    private static void DecoderLayer(List<TensorPlanEntry> plan, ModelGeometry g, int i)
    {
        string Name(string part, string kind) => TensorNames.Decoder(i, part, kind);
        void Linear(string part, int n, int k, int segments)
        {
            Ternary(plan, Name(part, "weight"), n, k);
            Floats(plan, Name(part, "scale"), segments);
        }

        Floats(plan, Name("attn_norm", "weight"), g.Width);
        Linear("attn_qkv", g.QkvRows, g.Width, 3);
        Floats(plan, Name("attn_sub_norm", "weight"), g.Width);
        Linear("attn_output", g.Width, g.Width, 1);
        Floats(plan, Name("ffn_norm", "weight"), g.Width);
        Linear("ffn_gate_up", 2 * g.FeedForward, g.Width, 2);
        Floats(plan, Name("ffn_sub_norm", "weight"), g.FeedForward);
        Linear("ffn_down", g.Width, g.FeedForward, 1);
    }

    private static void ActionHead(List<TensorPlanEntry> plan, ModelGeometry g)
    {
        int input = g.ActionDim * g.Width;
        Floats(plan, TensorNames.HeadNorm1Weight, input);
        Floats(plan, TensorNames.HeadNorm1Bias, input);
        Dense(plan, TensorNames.HeadWeight1, g.Width, input);
        Floats(plan, TensorNames.HeadBias1, g.Width);
        for (int b = 0; b < g.HeadBlocks; b++)
        {
            Floats(plan, TensorNames.HeadBlock(b, "norm", "weight"), g.Width);
            Floats(plan, TensorNames.HeadBlock(b, "norm", "bias"), g.Width);
            Dense(plan, TensorNames.HeadBlock(b, "fc", "weight"), g.Width, g.Width);
            Floats(plan, TensorNames.HeadBlock(b, "fc", "bias"), g.Width);
        }

        Floats(plan, TensorNames.HeadNorm2Weight, g.Width);
        Floats(plan, TensorNames.HeadNorm2Bias, g.Width);
        Dense(plan, TensorNames.HeadWeight2, g.ActionDim, g.Width);
        Floats(plan, TensorNames.HeadBias2, g.ActionDim);
    }

    private static void Floats(List<TensorPlanEntry> plan, string name, int count) => plan.Add(new(name, GgufTensorType.F32, [count]));

    private static void Dense(List<TensorPlanEntry> plan, string name, int n, int k) =>
        plan.Add(new(name, GgufTensorType.BF16, [DenseLayout.PanelOutputs, k, DenseLayout.Panels(n)]));

    private static void Ternary(List<TensorPlanEntry> plan, string name, int n, int k) =>
        plan.Add(new(name, GgufTensorType.I8, [TernaryLayout.BlockRowBytes, n, TernaryLayout.Blocks(k)]));
}
