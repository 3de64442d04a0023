using System.Globalization;
using BitVla.Format;
using BitVla.Packing.Checkpoint;

namespace BitVla.Packing;

/// <summary>How an assumption fares.</summary>
public enum DryRunState
{
    /// <summary>The checkpoint is as the specification supposes.</summary>
    Agrees,

    /// <summary>It differs, and packing goes by the checkpoint.</summary>
    Differs,

    /// <summary>It cannot be packed like this.</summary>
    Blocks,
}

/// <summary>An assumption and what the checkpoint says.</summary>
public sealed record DryRunItem(string Subject, string Expected, string Found, DryRunState State);

/// <summary>Holds a checkpoint folder against every assumption that BITVLA.md marks [ckpt]. Headers only: no weight is read, nothing written.</summary>
public sealed class DryRun
{
    private readonly List<DryRunItem> items = [];

    private DryRun()
    {
    }

    /// <summary>What was looked at, in the order of the specification.</summary>
    public IReadOnlyList<DryRunItem> Items => items;

    /// <summary>Whether <c>pack</c> would begin to write.</summary>
    public bool IsPackable => items.TrueForAll(item => item.State != DryRunState.Blocks);

    /// <summary>Looks at a folder.</summary>
    public static DryRun Of(string folder, PackOptions options)
    {
        var run = new DryRun();
        run.Guard(() =>
        {
            using var checkpoint = CheckpointDirectory.Open(folder);
            run.Check(checkpoint, options);
        });
        return run;
    }

    private void Check(CheckpointDirectory checkpoint, PackOptions options)
    {
        CheckpointConfig? config = null;
        TokenizerReader.Result? tokenizer = null;
        IReadOnlyList<SourceTensor> head = [];
        IReadOnlyList<SourceTensor> proprio = [];
        bool weights = Guard(() =>
        {
            checkpoint.ReadWeights();
            Weights(checkpoint);
        });
        bool heads = Guard(() =>
        {
            head = PackPlan.ReadHead(checkpoint, options);
            proprio = head.Count > 0 ? PackPlan.ReadPickle(checkpoint, "proprio_projector") : [];
            Heads(checkpoint, head, proprio);
        });
        Guard(() =>
        {
            config = CheckpointConfig.Read(checkpoint.Require("config.json"));
            Config(config);
        });
        Guard(() =>
        {
            tokenizer = TokenizerReader.Read(checkpoint.Require("tokenizer.json"), Rows(checkpoint));
            Tokens(tokenizer);
        });
        Guard(() => ChatTemplate(checkpoint));
        if (config is null)
        {
            return;
        }

        Guard(() => PreprocessorConfig.Read(checkpoint.Require("preprocessor_config.json"), checkpoint.Require("processor_config.json"), config));
        if (!weights || !heads)
        {
            return;
        }

        Guard(() => Tensors(checkpoint, config, head, proprio, options));
        if (tokenizer is not null && items.TrueForAll(item => item.State != DryRunState.Blocks))
        {
            // Whatever else pack itself would object to.
            Guard(() =>
            {
                using var again = CheckpointDirectory.Open(checkpoint.Root);
                _ = PackPlan.Create(again, options);
            });
        }
    }

    private void Weights(CheckpointDirectory checkpoint)
    {
        Compare("layout of the folder (2.1)", "flat", checkpoint.IsSplit ? "weights in lora_adapter/" : "flat");
        Compare("weight files (2.1)", "2 shards", checkpoint.Shards == 1 ? "1 file" : $"{checkpoint.Shards} shards");
        string types = string.Join(", ", checkpoint.Tensors.Values.Select(t => t.TypeName).Distinct().Order(StringComparer.Ordinal));
        Compare("element types (2.2)", "BF16", types);
        if (checkpoint.AnnouncedBytes is { } announced)
        {
            long bytes = checkpoint.Tensors.Values.Where(t => t.Type != SourceType.Other).Sum(t => t.Elements * t.ElementBytes);
            Compare("index total_size (2.1)", Text(bytes), Text(announced));
        }

        Compare("rows of the embedding table (2.6, 3)", "128264", Text(Rows(checkpoint)));
    }

    private void Heads(CheckpointDirectory checkpoint, IReadOnlyList<SourceTensor> head, IReadOnlyList<SourceTensor> proprio)
    {
        string[] steps = ["10000", "100000", "latest"];
        foreach (string word in new[] { "action_head", "proprio_projector" })
        {
            if (checkpoint.FindPickle(word) is not { } path)
            {
                continue;
            }

            string name = Path.GetFileName(path);
            string step = name.Split("--").Last().Split("_checkpoint")[0];
            Add($"step of {name} (2.1)", string.Join(", ", steps), step, steps.Contains(step) ? DryRunState.Agrees : DryRunState.Differs);
        }

        if (head.Count > 0)
        {
            Compare("type of the action head (2.5)", "BF16", Types(head));
            Compare("proprio projector (2.5)", "F32", proprio.Count > 0 ? Types(proprio) : "none");
        }
    }

    // What the readers demand (vision_feature_select_strategy, the post-processor and more) blocks when it differs, and is no item here.
    private void Config(CheckpointConfig config)
    {
        Compare("model_type (2.3)", "openvla", config.ModelType);
        Compare("image_token_index (2.3)", "128260", Text(config.ImageTokenIndex));
        Compare("vision_feature_layer (2.3, 3)", "-1, the last", config.TappedLayers == config.VisionLayers ? "-1, the last" : $"layer {config.TappedLayers} of {config.VisionLayers}");
        Compare("vocab_size (2.3, 3)", "128264", Text(config.VocabSize));
        Compare("max_position_embeddings (3)", "4096", Text(config.MaxPositions));
        Compare("rope_theta (3)", "500000", Text(config.RopeTheta));
        Compare("rms_norm_eps (3)", "1E-05", Text(config.RmsEpsilon));
        Compare("layer_norm_eps (3)", "1E-06", Text(config.VisionEpsilon));
        Compare("vision tower quantised (2.3)", "ternary", config.VisionTernary ? "ternary" : "bf16");
        Compare(
            "vision width, ffn, layers, heads (3)", "1152, 4304, 26, 16", $"{config.VisionWidth}, {config.VisionFeedForward}, {config.VisionLayers}, {config.VisionHeads}");
        Compare("image and patch size (3)", "224, 14", $"{config.ImageSize}, {config.PatchSize}");
        Compare(
            "decoder width, ffn, layers, heads, kv heads (3)",
            "2560, 6912, 30, 20, 5",
            $"{config.Width}, {config.FeedForward}, {config.Layers}, {config.Heads}, {config.KvHeads}");
    }

    private void Tokens(TokenizerReader.Result tokenizer)
    {
        (string Token, int Id)[] known =
        [
            ("<|begin_of_text|>", 128000), ("<|end_of_text|>", 128001), ("<|pad|>", 128002), ("<|eot_id|>", 128009), ("<|image_pad|>", 128010),
            ("<proprio_pad>", 128011), ("<action_0>", 128012), ("<action_251>", 128263),
        ];
        foreach (var (token, id) in known)
        {
            Compare($"id of {token} (2.6)", Text(id), tokenizer.Ids.TryGetValue(token, out int found) ? Text(found) : "none");
        }

        Compare("merges (2.6)", "280147", Text(tokenizer.Content.MergePairs.Length / 2));
        Compare("ignore_merges (2.6)", "true", tokenizer.Content.IgnoreMerges ? "true" : "false");
    }

    // The system sentence is hard-coded in the engine's prompt; a template without it was made for other words.
    private void ChatTemplate(CheckpointDirectory checkpoint)
    {
        string sentence = ModelManifest.DefaultPromptTemplate.Split("<|eot_id|>")[0];
        string template = checkpoint.Find("tokenizer_config.json") is { } path ? JsonField.Read(path).Text("chat_template", "") : "";
        Compare("chat template begins with the system sentence (2.6, 8)", "yes", template.StartsWith(sentence, StringComparison.Ordinal) ? "yes" : "no");
    }

    private void Tensors(
        CheckpointDirectory checkpoint, CheckpointConfig config, IReadOnlyList<SourceTensor> head, IReadOnlyList<SourceTensor> proprio, PackOptions options)
    {
        var geometry = PackPlan.Geometry(checkpoint, config, head, proprio, options);
        geometry.Validate(config.Root.File);
        if (geometry.ActionDim > 0)
        {
            Compare("action and proprio width (9)", "7, 8", $"{geometry.ActionDim}, {geometry.ProprioDim}");
            Compare("residual blocks of the head (2.5)", "2", Text(geometry.HeadBlocks));
            var notes = new List<string>();
            var statistics = StatisticsReader.Read(checkpoint.Require("dataset_statistics.json"), geometry.ActionDim, geometry.ProprioDim, notes);
            string[] suites = ["libero_spatial_no_noops", "libero_object_no_noops", "libero_goal_no_noops", "libero_10_no_noops"];
            string names = string.Join(", ", statistics.Select(s => s.Name));
            Add("un-normalisation keys (2.4)", "one of LIBERO's four", names, statistics.Count == 1 && suites.Contains(statistics[0].Name) ? DryRunState.Agrees : DryRunState.Differs);
            notes.ForEach(note => Add("un-normalisation keys (2.4)", "actions of the head's width", note, DryRunState.Differs));
        }

        Compare("lm_head (2.2)", config.TiedEmbeddings ? "absent, tied" : "present, untied", checkpoint.Tensors.ContainsKey(TensorMapper.LmHead) ? "present, untied" : "absent, tied");
        var mapper = new TensorMapper(checkpoint, geometry, config, head, proprio);
        mapper.Map();
        var extras = new List<string>();
        mapper.CheckUnmapped(extras);
        mapper.Problems.ForEach(Block);
        extras.ForEach(extra => Add("tensors nobody needs (2.2)", "none but lm_head", extra, DryRunState.Differs));
        if (config.MaxPositions < geometry.MaxSequence)
        {
            Add("longest sequence (3)", $"at most max_position_embeddings, {config.MaxPositions}", Text(geometry.MaxSequence), DryRunState.Differs);
        }
    }

    private static int Rows(CheckpointDirectory checkpoint) =>
        checkpoint.Tensors.TryGetValue(TensorMapper.EmbedTokens, out var table) && table.Shape is [>= 1 and <= 1 << 20, _] ? (int)table.Shape[0] : 1 << 20;

    private static string Types(IEnumerable<SourceTensor> tensors) => string.Join(", ", tensors.Select(t => t.TypeName).Distinct().Order(StringComparer.Ordinal));

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private void Compare(string subject, string expected, string found) =>
        Add(subject, expected, found, expected == found ? DryRunState.Agrees : DryRunState.Differs);

    private void Add(string subject, string expected, string found, DryRunState state) => items.Add(new DryRunItem(subject, expected, found, state));

    private void Block(ArtifactException problem) =>
        Add($"{problem.File}: {problem.Field}", problem.Expected, $"{problem.Found} [{problem.Error}]", DryRunState.Blocks);

    private bool Guard(Action check)
    {
        try
        {
            check();
            return true;
        }
        catch (ArtifactException problem)
        {
            Block(problem);
            return false;
        }
    }
}
