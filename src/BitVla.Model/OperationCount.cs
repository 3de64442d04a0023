using BitVla.Format;

namespace BitVla.Model;

/// <summary>Multiply-accumulates of one pass, in 10⁹, by stage: what a time is to be measured against.</summary>
/// <remarks>Counts what a pruned pass computes: the last layer's output product and feed-forward for the read-out rows only.</remarks>
public sealed class OperationCount
{
    private readonly double[] gmac = new double[(int)Stage.Action + 1];

    private OperationCount()
    {
    }

    /// <summary>10⁹ multiply-accumulates of one stage.</summary>
    public double this[Stage stage] => gmac[(int)stage];

    /// <summary>Counts a pass of S tokens.</summary>
    public static OperationCount For(ModelGeometry g, int sequence)
    {
        double tokens = g.ImageTokens;
        double visionLayer = tokens * (4.0 * g.VisionWidth * g.VisionWidth + 2.0 * g.VisionWidth * g.VisionFeedForward)
            + 2.0 * g.Cameras.Count * g.Patches * g.Patches * g.VisionWidth;
        double qkv = (double)sequence * g.QkvRows * g.Width;
        double perRow = (double)g.Width * g.Width + 3.0 * g.Width * g.FeedForward + 2.0 * sequence * g.Width;
        double head = (double)g.ActionDim * g.Width * g.Width + (double)g.HeadBlocks * g.Width * g.Width + (double)g.Width * g.ActionDim;
        var count = new OperationCount();
        count.gmac[(int)Stage.Vision] = (tokens * g.PatchValues * g.VisionWidth + g.VisionLayers * visionLayer) / 1e9;
        count.gmac[(int)Stage.Connector] = tokens * ((double)g.VisionWidth * g.Width + (double)g.Width * g.Width) / 1e9;
        count.gmac[(int)Stage.Sequence] = g.ProprioDim > 0 ? ((double)g.ProprioDim * g.Width + (double)g.Width * g.Width) / 1e9 : 0;
        count.gmac[(int)Stage.Decoder] = (g.Layers * qkv + ((g.Layers - 1.0) * sequence + g.ActionSlots) * perRow) / 1e9;
        count.gmac[(int)Stage.Action] = g.ChunkLength * head / 1e9;
        return count;
    }
}
