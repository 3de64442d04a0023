namespace BitVla.Format;

/// <summary>A camera as the model expects it.</summary>
/// <param name="Name">Name as observations carry it.</param>
/// <param name="Rotate180">Whether frames are turned by 180° first, as LIBERO's are.</param>
public sealed record CameraSpec(string Name, bool Rotate180);

/// <summary>Every dimension of a packed model. From it follow all tensors, all buffers and the sequence length.</summary>
/// <remarks>Letters of the style guide: N cameras, P patches, T prompt tokens, S sequence, D width, K chunk length, A action dim.</remarks>
public sealed record ModelGeometry
{
    /// <summary>Most prompt tokens T (text tokens without image placeholders, proprio, action slots and stop token).</summary>
    public const int MaxPromptTokens = 256;

    /// <summary>Most cameras.</summary>
    public const int MaxCameras = 3;

    /// <summary>Side of the square model image, pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Side of a patch, pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Vision width Dv.</summary>
    public required int VisionWidth { get; init; }

    /// <summary>Vision feed-forward width.</summary>
    public required int VisionFeedForward { get; init; }

    /// <summary>Vision layers packed: up to the tapped one.</summary>
    public required int VisionLayers { get; init; }

    /// <summary>Vision attention heads.</summary>
    public required int VisionHeads { get; init; }

    /// <summary>Vision LayerNorm epsilon.</summary>
    public required float VisionEpsilon { get; init; }

    /// <summary>True for 1.58-bit linears on int8 activations, false for the bf16 tower.</summary>
    public required bool VisionTernary { get; init; }

    /// <summary>Decoder width D.</summary>
    public required int Width { get; init; }

    /// <summary>Decoder feed-forward width.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>RMSNorm epsilon.</summary>
    public required float RmsEpsilon { get; init; }

    /// <summary>Base of the rotary embedding.</summary>
    public required float RopeTheta { get; init; }

    /// <summary>Rows of the embedding table.</summary>
    public required int VocabRows { get; init; }

    /// <summary>Whether an untied lm_head is in the file.</summary>
    public required bool HasLmHead { get; init; }

    /// <summary>Chunk length K; 0 for a text-only file.</summary>
    public required int ChunkLength { get; init; }

    /// <summary>Action dimension A; 0 for a text-only file.</summary>
    public required int ActionDim { get; init; }

    /// <summary>Residual blocks of the action head.</summary>
    public required int HeadBlocks { get; init; }

    /// <summary>Proprio dimension; 0 when the model takes none.</summary>
    public required int ProprioDim { get; init; }

    /// <summary>Cameras in model order.</summary>
    public required IReadOnlyList<CameraSpec> Cameras { get; init; }

    /// <summary>Patches of one image.</summary>
    public int Patches => ImageSize / PatchSize * (ImageSize / PatchSize);

    /// <summary>Values of one flattened patch.</summary>
    public int PatchValues => 3 * PatchSize * PatchSize;

    /// <summary>Width of one decoder head.</summary>
    public int HeadDim => Width / Heads;

    /// <summary>Width of one vision head.</summary>
    public int VisionHeadDim => VisionWidth / VisionHeads;

    /// <summary>Width of all key heads.</summary>
    public int KvWidth => KvHeads * HeadDim;

    /// <summary>Rows of the fused q|k|v product.</summary>
    public int QkvRows => Width + 2 * KvWidth;

    /// <summary>Action slots K·A.</summary>
    public int ActionSlots => ChunkLength * ActionDim;

    /// <summary>Image tokens N·P.</summary>
    public int ImageTokens => Cameras.Count * Patches;

    /// <summary>Longest sequence S: images, proprio, prompt, slots, stop.</summary>
    public int MaxSequence => ImageTokens + 1 + MaxPromptTokens + ActionSlots + 1;

    /// <summary>Widest row any product of the model reads; far below the 2^31 / 127 that an int32 sum allows.</summary>
    public const int MaxChannels = 65536;

    /// <summary>Checks that the dimensions can be true together.</summary>
    /// <exception cref="ArtifactException">They cannot; the message names the two that disagree.</exception>
    public void Validate(string file)
    {
        void Check(bool holds, string field, string expected, string found)
        {
            if (!holds)
            {
                throw new ArtifactException(ArtifactError.Contradiction, file, field, expected, found);
            }
        }

        void Range(int value, int min, int max, string field) => Check(value >= min && value <= max, field, $"{min} to {max}", $"{value}");

        Range(ImageSize, 1, 4096, ModelKeys.ImageSize);
        Range(PatchSize, 1, ImageSize, ModelKeys.PatchSize);
        Check(ImageSize % PatchSize == 0, ModelKeys.PatchSize, $"a divisor of the image size {ImageSize}", $"{PatchSize}");
        Range(Patches, 1, 4096, ModelKeys.PatchSize);
        Range(PatchValues, 1, MaxChannels, ModelKeys.PatchSize);
        Range(VisionWidth, 1, MaxChannels, ModelKeys.VisionWidth);
        Range(VisionFeedForward, 1, MaxChannels, ModelKeys.VisionFeedForward);
        Range(VisionLayers, 1, 1024, ModelKeys.VisionLayers);
        Range(VisionHeads, 1, VisionWidth, ModelKeys.VisionHeads);
        Check(VisionWidth % VisionHeads == 0, ModelKeys.VisionHeads, $"a divisor of the vision width {VisionWidth}", $"{VisionHeads}");
        Range(Width, 1, MaxChannels, ModelKeys.Width);
        Range(FeedForward, 1, MaxChannels, ModelKeys.FeedForward);
        Range(Layers, 1, 1024, ModelKeys.Layers);
        Range(Heads, 1, Width, ModelKeys.Heads);
        Check(Width % Heads == 0, ModelKeys.Heads, $"a divisor of the width {Width}", $"{Heads}");
        Check(HeadDim % 2 == 0, ModelKeys.Heads, "an even head width, for rotary pairs", $"{HeadDim}");
        Range(KvHeads, 1, Heads, ModelKeys.KvHeads);
        Check(Heads % KvHeads == 0, ModelKeys.KvHeads, $"a divisor of the {Heads} heads", $"{KvHeads}");
        Check(float.IsFinite(RmsEpsilon) && RmsEpsilon > 0, ModelKeys.RmsEpsilon, "a finite positive number", $"{RmsEpsilon}");
        Check(float.IsFinite(VisionEpsilon) && VisionEpsilon > 0, ModelKeys.VisionEpsilon, "a finite positive number", $"{VisionEpsilon}");
        Check(float.IsFinite(RopeTheta) && RopeTheta > 1, ModelKeys.RopeTheta, "a finite number above 1", $"{RopeTheta}");
        Range(VocabRows, 1, 1 << 20, ModelKeys.VocabRows);
        Range(Cameras.Count, 1, MaxCameras, ModelKeys.CameraNames);
        Check(Cameras.DistinctBy(c => c.Name).Count() == Cameras.Count, ModelKeys.CameraNames, "distinct names", string.Join(", ", Cameras.Select(c => c.Name)));
        Range(ProprioDim, 0, 256, ModelKeys.ProprioDim);
        Range(ActionDim, 0, 64, ModelKeys.ActionDim);
        Range(ChunkLength, 0, 256, ModelKeys.ChunkLength);
        Range(HeadBlocks, 0, 64, ModelKeys.HeadBlocks);
        Check(ActionDim > 0 == ChunkLength > 0, ModelKeys.ChunkLength, "a chunk length exactly when there are actions", $"{ChunkLength} with {ActionDim} actions");
        Check(ActionDim > 0 || HasLmHead, ModelKeys.ActionDim, "an action head or an lm_head", "neither");
        Range(ActionSlots, 0, 1024, ModelKeys.ActionDim);
        Check((long)ActionDim * Width <= 1 << 20, ModelKeys.ActionDim, "a head input of at most 2^20 values", $"{(long)ActionDim * Width}");
    }
}
