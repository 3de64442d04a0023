using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary>Known dimensions by name.</summary>
internal static class SynthPresets
{
    public const string Tiny = "tiny";
    public const string Awkward = "awkward";
    public const string BitVla3B = "bitvla-3b";

    /// <summary>All names.</summary>
    public static readonly string[] Names = [Tiny, Awkward, BitVla3B];

    private static readonly string[] CameraNames = ["full", "wrist", "wrist2"];

    // Enough for the words, and a multiple of 16.
    private const int SmallVocabulary = 576;

    /// <summary>The dimensions of a preset.</summary>
    public static ModelGeometry Geometry(string name) => name switch
    {
        // The true topology on real images: head widths 72 and 128, grouped heads, a ragged vision feed-forward (400 = 12.5 blocks).
        Tiny => Base() with
        {
            ImageSize = 224,
            VisionWidth = 144,
            VisionFeedForward = 400,
            VisionLayers = 3,
            VisionHeads = 2,
            Width = 256,
            FeedForward = 688,
            Layers = 3,
            Heads = 2,
            KvHeads = 1,
            VocabRows = SmallVocabulary,
        },

        // The sizes that trip kernels: K and N of 4304 in both towers, 16 patches so that a pass stays quick.
        Awkward => Base() with
        {
            ImageSize = 56,
            VisionWidth = 144,
            VisionFeedForward = 4304,
            VisionLayers = 2,
            VisionHeads = 2,
            Width = 256,
            FeedForward = 4304,
            Layers = 2,
            Heads = 2,
            KvHeads = 2,
            VocabRows = SmallVocabulary,
        },
        BitVla3B => Base(),
        _ => throw new UsageException($"--preset {name} is not known; there are {string.Join(", ", Names)}."),
    };

    /// <summary>Cameras in the order of the released models, at most three.</summary>
    public static CameraSpec[] Cameras(int count) =>
        count is >= 1 and <= ModelGeometry.MaxCameras
            ? [.. CameraNames.Take(count).Select(name => new CameraSpec(name, Rotate180: false))]
            : throw new UsageException($"--cameras {count} is not between 1 and {ModelGeometry.MaxCameras}.");

    // The released shape, BITVLA.md section 3.
    private static ModelGeometry Base() => new()
    {
        ImageSize = 224,
        PatchSize = 14,
        VisionWidth = 1152,
        VisionFeedForward = 4304,
        VisionLayers = 26,
        VisionHeads = 16,
        VisionEpsilon = 1e-6f,
        VisionTernary = true,
        Width = 2560,
        FeedForward = 6912,
        Layers = 30,
        Heads = 20,
        KvHeads = 5,
        RmsEpsilon = 1e-5f,
        RopeTheta = 500000f,
        VocabRows = 128264,
        HasLmHead = false,
        ChunkLength = 8,
        ActionDim = 7,
        HeadBlocks = 2,
        ProprioDim = 8,
        Cameras = Cameras(2),
    };
}
