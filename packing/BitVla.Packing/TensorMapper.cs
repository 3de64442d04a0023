using BitVla.Format;
using BitVla.Packing.Checkpoint;

namespace BitVla.Packing;

/// <summary>From the authors' tensor names to the packed ones, in the order of <see cref="TensorPlan"/>; every shape is checked here.</summary>
/// <remarks>Source: BITVLA.md sections 2.2 and 2.5.</remarks>
internal sealed class TensorMapper
{
    /// <summary>The embedding table.</summary>
    public const string EmbedTokens = "language_model.model.embed_tokens.weight";

    /// <summary>The untied output matrix.</summary>
    public const string LmHead = "language_model.lm_head.weight";

    private const string VisionPrefix = "vision_tower.vision_model.";
    private const string VisionLayerPrefix = VisionPrefix + "encoder.layers.";
    private const string DecoderPrefix = "language_model.model.";
    private const string DecoderLayerPrefix = DecoderPrefix + "layers.";
    private const string ConnectorPrefix = "multi_modal_projector.";

    private readonly CheckpointDirectory checkpoint;
    private readonly ModelGeometry g;
    private readonly CheckpointConfig config;
    private readonly Dictionary<string, SourceTensor> head;
    private readonly Dictionary<string, SourceTensor> proprio;
    private readonly HashSet<SourceTensor> used = [];
    private readonly List<PackStep> steps = [];

    public TensorMapper(
        CheckpointDirectory checkpoint, ModelGeometry geometry, CheckpointConfig config, IReadOnlyList<SourceTensor> head, IReadOnlyList<SourceTensor> proprio)
    {
        this.checkpoint = checkpoint;
        g = geometry;
        this.config = config;
        this.head = head.ToDictionary(t => t.Name, StringComparer.Ordinal);
        this.proprio = proprio.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>Missing tensors and wrong shapes, all of them.</summary>
    public List<ArtifactException> Problems { get; } = [];

    /// <summary>All steps of the geometry.</summary>
    public IReadOnlyList<PackStep> Map()
    {
        const string Embeddings = VisionPrefix + "embeddings.";
        Dense(TensorNames.PatchWeight, g.PatchValues, Vlm(Embeddings + "patch_embedding.weight", g.VisionWidth, 3, g.PatchSize, g.PatchSize));
        Floats(TensorNames.PatchBias, Vlm(Embeddings + "patch_embedding.bias", g.VisionWidth));
        Floats(TensorNames.VisionPosition, Vlm(Embeddings + "position_embedding.weight", g.Patches, g.VisionWidth));
        for (int i = 0; i < g.VisionLayers; i++)
        {
            VisionLayer(i);
        }

        Dense(TensorNames.ConnectorWeight1, g.VisionWidth, Vlm(ConnectorPrefix + "linear_1.weight", g.Width, g.VisionWidth));
        Floats(TensorNames.ConnectorBias1, Vlm(ConnectorPrefix + "linear_1.bias", g.Width));
        Dense(TensorNames.ConnectorWeight2, g.Width, Vlm(ConnectorPrefix + "linear_2.weight", g.Width, g.Width));
        Floats(TensorNames.ConnectorBias2, Vlm(ConnectorPrefix + "linear_2.bias", g.Width));
        if (g.ProprioDim > 0)
        {
            Dense(TensorNames.ProprioWeight1, g.ProprioDim, Proprio("fc1.weight", g.Width, g.ProprioDim));
            Rounded(TensorNames.ProprioBias1, Proprio("fc1.bias", g.Width));
            Dense(TensorNames.ProprioWeight2, g.Width, Proprio("fc2.weight", g.Width, g.Width));
            Rounded(TensorNames.ProprioBias2, Proprio("fc2.bias", g.Width));
        }

        for (int i = 0; i < g.Layers; i++)
        {
            DecoderLayer(i);
        }

        Floats(TensorNames.FinalNorm, Vlm(DecoderPrefix + "norm.weight", g.Width));
        if (g.ActionDim > 0)
        {
            ActionHead();
        }

        if (g.HasLmHead)
        {
            string source = checkpoint.Tensors.ContainsKey(LmHead) ? LmHead : EmbedTokens;
            Dense(TensorNames.LmHead, g.Width, Vlm(source, g.VocabRows, g.Width));
        }

        Add(PackKind.Embedding, TensorNames.Embedding, null, g.Width, Vlm(EmbedTokens, g.VocabRows, g.Width));
        return steps;
    }

    /// <summary>Looks at what no step wants: harmless extras are noted, layers beyond the configuration contradict it.</summary>
    public void CheckUnmapped(List<string> notes)
    {
        int ignored = 0;
        int beyondTap = 0;
        foreach (var tensor in checkpoint.Tensors.Values.Where(t => !used.Contains(t)))
        {
            if (LayerIndex(tensor.Name, DecoderLayerPrefix) is { } decoder)
            {
                if (decoder >= config.Layers)
                {
                    Problem(ArtifactError.Contradiction, tensor, $"layers below {config.Layers}, as config.json says", $"layer {decoder}");
                }
                else if (tensor.Name.EndsWith(".bias", StringComparison.Ordinal))
                {
                    Problem(ArtifactError.Unsupported, tensor, "decoder layers without biases", "a bias");
                }
            }
            else if (LayerIndex(tensor.Name, VisionLayerPrefix) is { } vision)
            {
                if (vision >= config.VisionLayers)
                {
                    Problem(ArtifactError.Contradiction, tensor, $"layers below {config.VisionLayers}, as config.json says", $"layer {vision}");
                }

                beyondTap += vision >= config.TappedLayers ? 1 : 0;
            }

            ignored++;
        }

        if (ignored > 0)
        {
            notes.Add($"{ignored} tensors are not needed and were left out, {beyondTap} of them of vision layers after the tapped one");
        }

        foreach (var tensor in head.Values.Concat(proprio.Values).Where(t => !used.Contains(t)))
        {
            Problem(ArtifactError.Unexpected, tensor, "a tensor of the known head and projector", "another");
        }
    }

    private void VisionLayer(int i)
    {
        string from = $"{VisionLayerPrefix}{i}.";
        string Name(string part, string kind) => TensorNames.Vision(i, part, kind);
        void Norm(string part, string source)
        {
            Floats(Name(part, "weight"), Vlm($"{from}{source}.weight", g.VisionWidth));
            Floats(Name(part, "bias"), Vlm($"{from}{source}.bias", g.VisionWidth));
        }

        void Linear(string part, int n, int k, params string[] sources)
        {
            var weights = sources.Select(s => Vlm($"{from}{s}.weight", n, k)).ToArray();
            Add(g.VisionTernary ? PackKind.Ternary : PackKind.Dense, Name(part, "weight"), g.VisionTernary ? Name(part, "scale") : null, k, weights);
            Floats(Name(part, "bias"), sources.Select(s => Vlm($"{from}{s}.bias", n)).ToArray());
        }

        Norm("ln1", "layer_norm1");
        Linear("attn_qkv", g.VisionWidth, g.VisionWidth, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
        Linear("attn_out", g.VisionWidth, g.VisionWidth, "self_attn.out_proj");
        Norm("ln2", "layer_norm2");
        Linear("ffn_up", g.VisionFeedForward, g.VisionWidth, "mlp.fc1");
        Linear("ffn_down", g.VisionWidth, g.VisionFeedForward, "mlp.fc2");
    }

    private void DecoderLayer(int i)
    {
        string from = $"{DecoderLayerPrefix}{i}.";
        void Norm(string part, string source, int width) => Floats(TensorNames.Decoder(i, part, "weight"), Vlm($"{from}{source}.weight", width));
        void Linear(string part, int k, params (string Source, int Rows)[] sources) => Add(
            PackKind.Ternary,
            TensorNames.Decoder(i, part, "weight"),
            TensorNames.Decoder(i, part, "scale"),
            k,
            sources.Select(s => Vlm($"{from}{s.Source}.weight", s.Rows, k)).ToArray());

        Norm("attn_norm", "input_layernorm", g.Width);
        Linear("attn_qkv", g.Width, ("self_attn.q_proj", g.Width), ("self_attn.k_proj", g.KvWidth), ("self_attn.v_proj", g.KvWidth));
        Norm("attn_sub_norm", "self_attn.attn_sub_norm", g.Width);
        Linear("attn_output", g.Width, ("self_attn.o_proj", g.Width));
        Norm("ffn_norm", "post_attention_layernorm", g.Width);
        Linear("ffn_gate_up", g.Width, ("mlp.gate_proj", g.FeedForward), ("mlp.up_proj", g.FeedForward));
        Norm("ffn_sub_norm", "mlp.ffn_sub_norm", g.FeedForward);
        Linear("ffn_down", g.FeedForward, ("mlp.down_proj", g.Width));
    }

    private void ActionHead()
    {
        int input = g.ActionDim * g.Width;
        Rounded(TensorNames.HeadNorm1Weight, Head("model.layer_norm1.weight", input));
        Rounded(TensorNames.HeadNorm1Bias, Head("model.layer_norm1.bias", input));
        Dense(TensorNames.HeadWeight1, input, Head("model.fc1.weight", g.Width, input));
        Rounded(TensorNames.HeadBias1, Head("model.fc1.bias", g.Width));
        for (int b = 0; b < g.HeadBlocks; b++)
        {
            string from = $"model.mlp_resnet_blocks.{b}.ffn.";
            Rounded(TensorNames.HeadBlock(b, "norm", "weight"), Head(from + "0.weight", g.Width));
            Rounded(TensorNames.HeadBlock(b, "norm", "bias"), Head(from + "0.bias", g.Width));
            Dense(TensorNames.HeadBlock(b, "fc", "weight"), g.Width, Head(from + "1.weight", g.Width, g.Width));
            Rounded(TensorNames.HeadBlock(b, "fc", "bias"), Head(from + "1.bias", g.Width));
        }

        Rounded(TensorNames.HeadNorm2Weight, Head("model.layer_norm2.weight", g.Width));
        Rounded(TensorNames.HeadNorm2Bias, Head("model.layer_norm2.bias", g.Width));
        Dense(TensorNames.HeadWeight2, g.Width, Head("model.fc2.weight", g.ActionDim, g.Width));
        Rounded(TensorNames.HeadBias2, Head("model.fc2.bias", g.ActionDim));
    }

    private void Dense(string name, int columns, SourceTensor? source) => Add(PackKind.Dense, name, null, columns, source);

    private void Floats(string name, params SourceTensor?[] sources) => Add(PackKind.Floats, name, null, 1, sources);

    private void Rounded(string name, SourceTensor? source) => Add(PackKind.RoundedFloats, name, null, 1, source);

    private void Add(PackKind kind, string name, string? scaleName, int columns, params SourceTensor?[] sources) =>
        steps.Add(new PackStep(kind, name, scaleName, columns, sources.OfType<SourceTensor>().ToArray()));

    private SourceTensor? Vlm(string name, params long[] shape) => Resolve(checkpoint.Tensors, checkpoint.Root, name, shape);

    private SourceTensor? Head(string name, params long[] shape) => Resolve(head, head.Values.First().File, name, shape);

    private SourceTensor? Proprio(string name, params long[] shape) => Resolve(proprio, proprio.Values.First().File, name, shape);

    private SourceTensor? Resolve(IReadOnlyDictionary<string, SourceTensor> tensors, string file, string name, long[] shape)
    {
        if (!tensors.TryGetValue(name, out var tensor))
        {
            Problems.Add(new ArtifactException(ArtifactError.Missing, file, name, SourceTensor.Describe(shape), "no such tensor"));
            return null;
        }

        used.Add(tensor);
        try
        {
            tensor.Require(shape);
        }
        catch (ArtifactException problem)
        {
            Problems.Add(problem);
            return null;
        }

        return tensor;
    }

    private void Problem(ArtifactError error, SourceTensor tensor, string expected, string found) =>
        Problems.Add(new ArtifactException(error, tensor.File, tensor.Name, expected, found));

    private static int? LayerIndex(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && int.TryParse(name[prefix.Length..].Split('.')[0], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int index)
            ? index
            : null;
}
