using BitVla.Format;
using BitVla.Packing.Synth;

namespace BitVla.Packing.Tests.Tools;

/// <summary>Synthetic models as bytes.</summary>
internal static class SmallModels
{
    /// <summary>The smallest geometry with every kind of tensor, ragged feed-forwards and fewer actions than a panel has outputs.</summary>
    public static ModelGeometry Minimal { get; } = SynthPresets.Geometry(SynthPresets.Tiny) with
    {
        ImageSize = 4,
        PatchSize = 2,
        VisionWidth = 8,
        VisionFeedForward = 37,
        VisionLayers = 1,
        VisionHeads = 2,
        Width = 8,
        FeedForward = 42,
        Layers = 1,
        Heads = 2,
        KvHeads = 1,
        VocabRows = 512,
        ActionDim = 3,
        ChunkLength = 2,
        HeadBlocks = 1,
        ProprioDim = 3,
    };

    public static byte[] Write(ModelGeometry geometry, ulong seed, float[]? headBias = null)
    {
        using var folder = new TemporaryFolder();
        new SynthModel("test", geometry, seed, headBias).Write(folder.File("model"), CancellationToken.None);
        return File.ReadAllBytes(folder.File("model"));
    }
}
