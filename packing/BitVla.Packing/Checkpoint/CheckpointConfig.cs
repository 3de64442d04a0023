using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>config.json with the defaults of the authors' classes, since the file leaves out what equals them.</summary>
/// <remarks>Source: BITVLA.md section 2.3. hidden_act of the language model is ignored: the code always squares a ReLU.</remarks>
internal sealed record CheckpointConfig
{
    private const int MaxSize = ModelGeometry.MaxChannels;
    private const int MaxLayers = 1024;

    public required JsonField Root { get; init; }

    public required int ImageSize { get; init; }

    public required int PatchSize { get; init; }

    public required int VisionWidth { get; init; }

    public required int VisionFeedForward { get; init; }

    /// <summary>Layers in the checkpoint; those after the tapped one are not packed.</summary>
    public required int VisionLayers { get; init; }

    /// <summary>Layers up to the tapped one.</summary>
    public required int TappedLayers { get; init; }

    public required int VisionHeads { get; init; }

    public required double VisionEpsilon { get; init; }

    public required bool VisionTernary { get; init; }

    public required int Width { get; init; }

    public required int FeedForward { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    public required double RmsEpsilon { get; init; }

    public required double RopeTheta { get; init; }

    public required int MaxPositions { get; init; }

    public required int VocabSize { get; init; }

    public required bool TiedEmbeddings { get; init; }

    public required int ImageTokenIndex { get; init; }

    public required string ModelType { get; init; }

    /// <summary>Reads the file.</summary>
    public static CheckpointConfig Read(string path)
    {
        var root = JsonField.Read(path);
        root.Demand("projector_hidden_act", "gelu", "gelu");
        root.Demand("vision_feature_select_strategy", "full", "default");
        root.Demand("multimodal_projector_bias", true, true);

        var text = root["text_config"];
        text.Demand("model_type", "BitNet", "nothing");
        text.Demand("attention_bias", false, false);
        text.Demand("use_sliding_window", false, false);
        if (text.Optional("rope_scaling") is { IsMissing: false } scaling)
        {
            throw scaling.Wrong(ArtifactError.Unsupported, "null", scaling.Describe());
        }

        var vision = root["vision_config"];
        vision.Demand("model_type", "siglip_vision_model", "siglip_vision_model");
        vision.Demand("hidden_act", "gelu_pytorch_tanh", "gelu_pytorch_tanh");
        if (vision.Integer("num_channels", 3, 0, MaxSize) is not 3 and var channels)
        {
            throw vision.Optional("num_channels").Wrong(ArtifactError.Unsupported, "3", $"{channels}");
        }

        int heads = text.Integer("num_attention_heads", 20, 1, MaxSize);
        int visionLayers = vision.Integer("num_hidden_layers", 12, 1, MaxLayers);
        int vocab = text.Integer("vocab_size", 128256, 1, 1 << 20);
        if (root.Optional("vocab_size") is { IsMissing: false } copy && copy.Integer(1, 1 << 20) != vocab)
        {
            throw copy.Wrong(ArtifactError.Contradiction, $"text_config.vocab_size, {vocab}", copy.Describe());
        }

        return new CheckpointConfig
        {
            Root = root,
            ImageSize = vision.Integer("image_size", 224, 1, 4096),
            PatchSize = vision.Integer("patch_size", 16, 1, 4096),
            VisionWidth = vision.Integer("hidden_size", 768, 1, MaxSize),
            VisionFeedForward = vision.Integer("intermediate_size", 3072, 1, MaxSize),
            VisionLayers = visionLayers,
            TappedLayers = Tap(root, visionLayers),
            VisionHeads = vision.Integer("num_attention_heads", 12, 1, MaxSize),
            VisionEpsilon = vision.Number("layer_norm_eps", 1e-6),
            VisionTernary = IsTernary(vision),
            Width = text.Integer("hidden_size", 2560, 1, MaxSize),
            FeedForward = text.Integer("intermediate_size", 6912, 1, MaxSize),
            Layers = text.Integer("num_hidden_layers", 30, 1, MaxLayers),
            Heads = heads,
            KvHeads = KeyValueHeads(text, heads),
            RmsEpsilon = text.Number("rms_norm_eps", 1e-5),
            RopeTheta = text.Number("rope_theta", 500000),
            MaxPositions = text.Integer("max_position_embeddings", 2048, 1, int.MaxValue),
            VocabSize = vocab,
            TiedEmbeddings = text.Bool("tie_word_embeddings", true),
            ImageTokenIndex = root.Integer("image_token_index", 32000, 0, 1 << 20),
            ModelType = root.Text("model_type", ""),
        };
    }

    // Absent means the class default 5; an explicit null means as many as query heads.
    private static int KeyValueHeads(JsonField text, int heads) =>
        text.HasNull("num_key_value_heads") ? heads : text.Integer("num_key_value_heads", 5, 1, MaxSize);

    // hidden_states has layers+1 entries, the embeddings first; negative indices count from the end.
    private static int Tap(JsonField root, int layers)
    {
        int index = root.Integer("vision_feature_layer", -2, -(MaxLayers + 1), MaxLayers);
        int tapped = index < 0 ? layers + 1 + index : index;
        return tapped >= 1 && tapped <= layers
            ? tapped
            : throw root.Optional("vision_feature_layer").Wrong(ArtifactError.Unsupported, $"a layer of {layers}", $"{index}");
    }

    private static bool IsTernary(JsonField vision)
    {
        int weightBits = vision.Integer("vit_weight_bits", 32, 0, 64);
        int actBits = vision.Integer("vit_act_bits", 32, 0, 64);
        return (weightBits, actBits) switch
        {
            (1, 8) => true,
            (32, 32) => false,
            _ => throw vision.Wrong(ArtifactError.Unsupported, "vit_weight_bits, vit_act_bits of 1, 8 or 32, 32", $"{weightBits}, {actBits}"),
        };
    }
}
