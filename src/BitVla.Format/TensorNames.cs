namespace BitVla.Format;

/// <summary>Names of the tensors in a packed file; all under 64 bytes.</summary>
public static class TensorNames
{
#pragma warning disable CS1591 // docs/format.md describes each name; TensorPlan gives each its type and shape.
    public const string PatchWeight = "v.patch_embd.weight";
    public const string PatchBias = "v.patch_embd.bias";
    public const string VisionPosition = "v.position_embd.weight";
    public const string ConnectorWeight1 = "mm.0.weight";
    public const string ConnectorBias1 = "mm.0.bias";
    public const string ConnectorWeight2 = "mm.2.weight";
    public const string ConnectorBias2 = "mm.2.bias";
    public const string ProprioWeight1 = "proprio.0.weight";
    public const string ProprioBias1 = "proprio.0.bias";
    public const string ProprioWeight2 = "proprio.2.weight";
    public const string ProprioBias2 = "proprio.2.bias";
    public const string FinalNorm = "output_norm.weight";
    public const string HeadNorm1Weight = "action.norm1.weight";
    public const string HeadNorm1Bias = "action.norm1.bias";
    public const string HeadWeight1 = "action.fc1.weight";
    public const string HeadBias1 = "action.fc1.bias";
    public const string HeadNorm2Weight = "action.norm2.weight";
    public const string HeadNorm2Bias = "action.norm2.bias";
    public const string HeadWeight2 = "action.fc2.weight";
    public const string HeadBias2 = "action.fc2.bias";
    public const string LmHead = "output.weight";
    public const string EmbeddingRowXxh3 = "token_embd.row_xxh3";
    public const string Embedding = "token_embd.weight";
#pragma warning restore CS1591

    /// <summary>A tensor of a vision layer: ln1, attn_qkv, attn_out, ln2, ffn_up, ffn_down; weight, bias or scale.</summary>
    public static string Vision(int layer, string part, string kind) => $"v.blk.{layer}.{part}.{kind}";

    /// <summary>A tensor of a decoder layer: attn_norm, attn_qkv, attn_sub_norm, attn_output, ffn_norm, ffn_gate_up, ffn_sub_norm, ffn_down.</summary>
    public static string Decoder(int layer, string part, string kind) => $"blk.{layer}.{part}.{kind}";

    /// <summary>A tensor of a residual block of the action head: norm or fc; weight or bias.</summary>
    public static string HeadBlock(int block, string part, string kind) => $"action.blk.{block}.{part}.{kind}";
}
