namespace BitVla.Format;

/// <summary>Metadata keys of a packed model. docs/format.md lists each with type and meaning; a test holds the two together.</summary>
public static class ModelKeys
{
#pragma warning disable CS1591 // Each key is described in docs/format.md, which a test compares with this list.
    public const string Architecture = "general.architecture";
    public const string Name = "general.name";
    public const string Alignment = "general.alignment";
    public const string FormatVersion = "bitvla.format_version";
    public const string TernaryLayout = "bitvla.layout.ternary";
    public const string DenseLayout = "bitvla.layout.dense";
    public const string ModelId = "bitvla.model_id";
    public const string MetadataXxh3 = "bitvla.metadata.xxh3";
    public const string TensorXxh3 = "bitvla.tensor.xxh3";
    public const string TensorSha256 = "bitvla.tensor.sha256";

    public const string ImageSize = "bitvla.vision.image_size";
    public const string PatchSize = "bitvla.vision.patch_size";
    public const string VisionWidth = "bitvla.vision.embedding_length";
    public const string VisionFeedForward = "bitvla.vision.feed_forward_length";
    public const string VisionLayers = "bitvla.vision.block_count";
    public const string VisionHeads = "bitvla.vision.attention.head_count";
    public const string VisionEpsilon = "bitvla.vision.attention.layer_norm_epsilon";
    public const string VisionTernary = "bitvla.vision.ternary";

    public const string Width = "bitvla.embedding_length";
    public const string FeedForward = "bitvla.feed_forward_length";
    public const string Layers = "bitvla.block_count";
    public const string Heads = "bitvla.attention.head_count";
    public const string KvHeads = "bitvla.attention.head_count_kv";
    public const string RmsEpsilon = "bitvla.attention.layer_norm_rms_epsilon";
    public const string RopeTheta = "bitvla.rope.freq_base";
    public const string VocabRows = "bitvla.vocab_size";
    public const string HasLmHead = "bitvla.lm_head";

    public const string ChunkLength = "bitvla.action.chunk_length";
    public const string ActionDim = "bitvla.action.dim";
    public const string HeadBlocks = "bitvla.action.head_block_count";
    public const string GripperConvention = "bitvla.action.gripper_convention";
    public const string ProprioDim = "bitvla.proprio.dim";
    public const string CameraNames = "bitvla.camera.names";
    public const string CameraRotate180 = "bitvla.camera.rotate180";

    public const string CenterCrop = "bitvla.preprocessor.center_crop";
    public const string PixelMean = "bitvla.preprocessor.mean";
    public const string PixelStd = "bitvla.preprocessor.std";
    public const string PixelRescale = "bitvla.preprocessor.rescale_factor";

    public const string PromptTemplate = "bitvla.prompt.template";
    public const string ImageToken = "bitvla.prompt.image_token_id";
    public const string ProprioToken = "bitvla.prompt.proprio_token_id";
    public const string StopToken = "bitvla.prompt.stop_token_id";

    public const string TokenizerModel = "tokenizer.ggml.model";
    public const string TokenizerPre = "tokenizer.ggml.pre";
    public const string Tokens = "tokenizer.ggml.tokens";
    public const string TokenTypes = "tokenizer.ggml.token_type";
    public const string BosToken = "tokenizer.ggml.bos_token_id";
    public const string EosToken = "tokenizer.ggml.eos_token_id";
    public const string AddBos = "tokenizer.ggml.add_bos_token";
    public const string MergePairs = "bitvla.tokenizer.merges";
    public const string IgnoreMerges = "bitvla.tokenizer.ignore_merges";

    public const string StatisticsNames = "bitvla.statistics.names";

    public const string SourceFiles = "bitvla.source.files";
    public const string PackerVersion = "bitvla.source.packer";
#pragma warning restore CS1591

    /// <summary>A statistics array of one un-normalisation key.</summary>
    /// <param name="index">Index into <see cref="StatisticsNames"/>.</param>
    /// <param name="subject">action or proprio.</param>
    /// <param name="what">q01, q99 or mask.</param>
    public static string Statistics(int index, string subject, string what) => $"bitvla.statistics.{index}.{subject}.{what}";
}
