using BitVla.Format;
using BitVla.Format.Gguf;

namespace BitVla.Packing;

/// <summary>Rows of a stored matrix that belong together and share a scale.</summary>
/// <param name="Part">q, k, v, gate, up, or empty for a matrix of one part.</param>
/// <param name="First">First row.</param>
/// <param name="Rows">Number of rows.</param>
internal sealed record MatrixSegment(string Part, int First, int Rows);

/// <summary>A weight matrix as the model means it: [N, K] without the padding of its layout.</summary>
internal sealed record LogicalMatrix(int N, int K, IReadOnlyList<MatrixSegment> Segments)
{
    /// <summary>The matrix behind a stored tensor; null for vectors, tables of positions and checksums, and the embedding table.</summary>
    public static LogicalMatrix? Of(ModelGeometry g, TensorPlanEntry entry)
    {
        if (entry.Name is TensorNames.Embedding || entry.Type is not (GgufTensorType.BF16 or GgufTensorType.I8))
        {
            return null;
        }

        string[] words = entry.Name.Split('.');
        bool vision = words is ["v", "blk", ..];
        string part = vision || words is ["blk", ..] ? words[^2] : entry.Name;
        return part switch
        {
            "attn_qkv" when vision => Of(g.VisionWidth, ("q", g.VisionWidth), ("k", g.VisionWidth), ("v", g.VisionWidth)),
            "attn_qkv" => Of(g.Width, ("q", g.Width), ("k", g.KvWidth), ("v", g.KvWidth)),
            "attn_out" => Of(g.VisionWidth, ("", g.VisionWidth)),
            "attn_output" => Of(g.Width, ("", g.Width)),
            "ffn_up" => Of(g.VisionWidth, ("", g.VisionFeedForward)),
            "ffn_gate_up" => Of(g.Width, ("gate", g.FeedForward), ("up", g.FeedForward)),
            "ffn_down" => vision ? Of(g.VisionFeedForward, ("", g.VisionWidth)) : Of(g.FeedForward, ("", g.Width)),
            TensorNames.PatchWeight => Of(g.PatchValues, ("", g.VisionWidth)),
            TensorNames.ConnectorWeight1 => Of(g.VisionWidth, ("", g.Width)),
            TensorNames.ProprioWeight1 => Of(g.ProprioDim, ("", g.Width)),
            TensorNames.HeadWeight1 => Of(g.ActionDim * g.Width, ("", g.Width)),
            TensorNames.HeadWeight2 => Of(g.Width, ("", g.ActionDim)),
            TensorNames.LmHead => Of(g.Width, ("", g.VocabRows)),

            // mm.2, proprio.2 and the residual blocks of the action head.
            _ => Of(g.Width, ("", g.Width)),
        };
    }

    private static LogicalMatrix Of(int k, params ReadOnlySpan<(string Part, int Rows)> parts)
    {
        var segments = new List<MatrixSegment>();
        int first = 0;
        foreach (var (part, rows) in parts)
        {
            segments.Add(new MatrixSegment(part, first, rows));
            first += rows;
        }

        return new LogicalMatrix(first, k, segments);
    }
}
