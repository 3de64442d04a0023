using BitVla.Format;
using BitVla.Packing.Checkpoint;

namespace BitVla.Packing;

/// <summary>Everything known before the first weight is read: geometry, manifest, tokenizer and the steps in the order of the file.</summary>
internal sealed class PackPlan
{
    private const int LiberoActionDim = 7;

    public required ModelManifest Manifest { get; init; }

    public required TokenizerContent Tokenizer { get; init; }

    public required IReadOnlyList<PackStep> Steps { get; init; }

    /// <summary>What the packer did that a reader of the summary should know.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Reads every header and configuration of a checkpoint.</summary>
    /// <exception cref="ArtifactException">Something is missing, wrong or contradictory; the first problem found.</exception>
    public static PackPlan Create(CheckpointDirectory checkpoint, PackOptions options)
    {
        var config = CheckpointConfig.Read(checkpoint.Require("config.json"));
        checkpoint.ReadWeights();
        var head = ReadHead(checkpoint, options);
        var proprio = head.Count > 0 ? ReadPickle(checkpoint, "proprio_projector") : [];
        var notes = new List<string>();
        var geometry = Geometry(checkpoint, config, head, proprio, options);
        geometry.Validate(config.Root.File);
        var mapper = new TensorMapper(checkpoint, geometry, config, head, proprio);
        var steps = mapper.Map();
        mapper.CheckUnmapped(notes);
        if (mapper.Problems.Count > 0)
        {
            throw mapper.Problems[0];
        }

        NoteRounding(steps, notes);
        var tokenizer = TokenizerReader.Read(checkpoint.Require("tokenizer.json"), geometry.VocabRows);
        var pixels = PreprocessorConfig.Read(checkpoint.Require("preprocessor_config.json"), checkpoint.Require("processor_config.json"), config);
        var statistics = geometry.ActionDim > 0
            ? StatisticsReader.Read(checkpoint.Require("dataset_statistics.json"), geometry.ActionDim, geometry.ProprioDim, notes)
            : [];
        return new PackPlan
        {
            Manifest = Describe(checkpoint, config, geometry, tokenizer, pixels, statistics, options),
            Tokenizer = tokenizer.Content,
            Steps = steps,
            Notes = notes,
        };
    }

    /// <summary>The action head's tensors; empty for a checkpoint wanted for its text.</summary>
    public static IReadOnlyList<SourceTensor> ReadHead(CheckpointDirectory checkpoint, PackOptions options)
    {
        var head = ReadPickle(checkpoint, "action_head");
        return head.Count > 0 || options.WithLmHead
            ? head
            : throw new ArtifactException(
                ArtifactError.Missing, checkpoint.Root, CheckpointDirectory.ActionHeadPattern, "an action head, or --with-lm-head for text alone", "no such file");
    }

    public static IReadOnlyList<SourceTensor> ReadPickle(CheckpointDirectory checkpoint, string word)
    {
        if (checkpoint.FindPickle(word) is not { } path)
        {
            return [];
        }

        var tensors = checkpoint.ReadPickle(path);
        return tensors.Count > 0 ? tensors : throw new ArtifactException(ArtifactError.Missing, path, word, "tensors", "an empty state dict");
    }

    /// <summary>Dimensions from config.json and, where it is silent, from shapes.</summary>
    public static ModelGeometry Geometry(
        CheckpointDirectory checkpoint,
        CheckpointConfig config,
        IReadOnlyList<SourceTensor> head,
        IReadOnlyList<SourceTensor> proprio,
        PackOptions options)
    {
        bool actions = head.Count > 0;
        return new ModelGeometry
        {
            ImageSize = config.ImageSize,
            PatchSize = config.PatchSize,
            VisionWidth = config.VisionWidth,
            VisionFeedForward = config.VisionFeedForward,
            VisionLayers = config.TappedLayers,
            VisionHeads = config.VisionHeads,
            VisionEpsilon = (float)config.VisionEpsilon,
            VisionTernary = config.VisionTernary,
            Width = config.Width,
            FeedForward = config.FeedForward,
            Layers = config.Layers,
            Heads = config.Heads,
            KvHeads = config.KvHeads,
            RmsEpsilon = (float)config.RmsEpsilon,
            RopeTheta = (float)config.RopeTheta,
            VocabRows = VocabRows(checkpoint),
            HasLmHead = HasLmHead(checkpoint, config, actions, options),
            ChunkLength = actions ? options.ChunkLength : 0,
            ActionDim = actions ? Size(head, "model.fc2.weight", 0, 64) : 0,
            HeadBlocks = actions ? HeadBlocks(head) : 0,
            ProprioDim = proprio.Count > 0 ? Size(proprio, "fc1.weight", 1, 256) : 0,
            Cameras = options.Cameras ?? (actions ? [new("full", false), new("wrist", false)] : [new("full", false)]),
        };
    }

    private static int VocabRows(CheckpointDirectory checkpoint) => checkpoint.Tensors.TryGetValue(TensorMapper.EmbedTokens, out var table)
        ? Size([table], TensorMapper.EmbedTokens, 0, 1 << 20)
        : throw new ArtifactException(ArtifactError.Missing, checkpoint.Root, TensorMapper.EmbedTokens, "the embedding table", "no such tensor");

    // Tied and text-only: the table is packed a second time, because a file must have an action head or an lm_head.
    private static bool HasLmHead(CheckpointDirectory checkpoint, CheckpointConfig config, bool actions, PackOptions options)
    {
        bool present = checkpoint.Tensors.ContainsKey(TensorMapper.LmHead);
        if (!options.WithLmHead)
        {
            return false;
        }

        if (present && config.TiedEmbeddings)
        {
            throw new ArtifactException(
                ArtifactError.Contradiction, config.Root.File, "text_config.tie_word_embeddings", $"false beside a tensor {TensorMapper.LmHead}", "true");
        }

        if (!present && !config.TiedEmbeddings)
        {
            throw new ArtifactException(ArtifactError.Missing, checkpoint.Root, TensorMapper.LmHead, "the untied head that config.json announces", "no such tensor");
        }

        return present || !actions;
    }

    private static int HeadBlocks(IReadOnlyList<SourceTensor> head)
    {
        const string Prefix = "model.mlp_resnet_blocks.";
        int blocks = 0;
        foreach (var tensor in head.Where(t => t.Name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            string index = tensor.Name[Prefix.Length..].Split('.')[0];
            bool valid = int.TryParse(index, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int block);
            blocks = valid && block < 64
                ? Math.Max(blocks, block + 1)
                : throw new ArtifactException(ArtifactError.Unexpected, tensor.File, tensor.Name, "a block below 64", index.Length > 20 ? "another" : index);
        }

        return blocks;
    }

    private static int Size(IReadOnlyList<SourceTensor> tensors, string name, int axis, int max)
    {
        var tensor = tensors.FirstOrDefault(t => t.Name == name)
            ?? throw new ArtifactException(ArtifactError.Missing, tensors[0].File, name, "this tensor", "no such tensor");
        return tensor.Shape.Length == 2 && tensor.Shape[axis] >= 1 && tensor.Shape[axis] <= max
            ? (int)tensor.Shape[axis]
            : throw new ArtifactException(ArtifactError.WrongShape, tensor.File, name, $"a matrix, axis {axis} from 1 to {max}", tensor.ShapeText);
    }

    private static ModelManifest Describe(
        CheckpointDirectory checkpoint,
        CheckpointConfig config,
        ModelGeometry geometry,
        TokenizerReader.Result tokenizer,
        PreprocessorConfig pixels,
        IReadOnlyList<ModelStatistics> statistics,
        PackOptions options)
    {
        bool actions = geometry.ActionDim > 0;
        int bos = tokenizer.Id(TokenizerReader.BeginOfText);
        return new ModelManifest
        {
            Name = options.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpoint.Root))),
            Geometry = geometry,
            CenterCrop = options.CenterCrop,
            PixelMean = pixels.Mean,
            PixelStd = pixels.Std,
            PixelRescale = pixels.Rescale,
            PromptTemplate = actions ? ModelManifest.DefaultPromptTemplate : TextPromptTemplate,
            GripperConvention = options.Gripper ?? (geometry.ActionDim == LiberoActionDim ? ModelManifest.LiberoGripper : ModelManifest.RawGripper),
            ImageToken = actions ? tokenizer.Id(TokenizerReader.ImagePad) : TextImageToken(config, geometry),

            // A text-only prompt has no proprio placeholder; the field then names the token that never occurs in the middle.
            ProprioToken = actions ? tokenizer.Id(TokenizerReader.ProprioPad) : bos,
            StopToken = tokenizer.Id(TokenizerReader.EndOfText),
            BosToken = bos,
            Statistics = statistics,
            SourceFiles = checkpoint.SourceFiles.Order(StringComparer.Ordinal).ToArray(),
            Packer = $"bitvla-pack {typeof(PackPlan).Assembly.GetName().Version?.ToString(3)}",
        };
    }

    // BITVLA.md section 10: the newline after the image survives, and there is no proprio placeholder.
    private static string TextPromptTemplate =>
        ModelManifest.DefaultPromptTemplate.Replace("{images}{proprio}What action should the robot take to {instruction}?", "{images}\n{instruction}", StringComparison.Ordinal);

    private static int TextImageToken(CheckpointConfig config, ModelGeometry geometry) => config.ImageTokenIndex < geometry.VocabRows
        ? config.ImageTokenIndex
        : throw new ArtifactException(
            ArtifactError.Contradiction, config.Root.File, "image_token_index", $"an id below {geometry.VocabRows}", $"{config.ImageTokenIndex}");

    private static void NoteRounding(IReadOnlyList<PackStep> steps, List<string> notes)
    {
        int rounded = steps
            .Where(s => s.Kind is PackKind.Dense or PackKind.Embedding)
            .SelectMany(s => s.Sources)
            .Count(t => t.Type != SourceType.BF16 && !t.File.EndsWith(".pt", StringComparison.Ordinal));
        if (rounded > 0)
        {
            notes.Add($"{rounded} dense tensors are not bf16 in the checkpoint and were rounded to it, half to even");
        }
    }
}
