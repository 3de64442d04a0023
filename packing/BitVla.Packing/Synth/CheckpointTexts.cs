using System.Text.Encodings.Web;
using System.Text.Json;
using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary>The JSON files of a synthetic checkpoint: configuration, processors, tokenizer, statistics.</summary>
/// <remarks>Source: BITVLA.md sections 2.3 to 2.6 and 7.4.</remarks>
internal static class CheckpointTexts
{
    private const string Pretokenizer =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    // The system line stands in front, as convert_ckpt.py hard-codes it.
    private const string ChatTemplate =
        "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = message['role'] | capitalize + ': '"
        + "+ message['content'] | trim + '<|eot_id|>' %}{{ content }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}";

    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes all but the index.</summary>
    public static void Write(SynthModel model, string folder)
    {
        WriteFile(folder, "config.json", j => Config(j, model));
        WriteFile(folder, "generation_config.json", j =>
        {
            j.WriteNumber("bos_token_id", model.Manifest.BosToken);
            j.WriteNumber("eos_token_id", model.Manifest.StopToken);
        });
        WriteFile(folder, "preprocessor_config.json", j => Preprocessor(j, model));
        WriteFile(folder, "processor_config.json", j =>
        {
            j.WriteString("image_token", "<image>");
            j.WriteNumber("num_additional_image_tokens", 0);
            j.WriteNumber("patch_size", model.Geometry.PatchSize);
            j.WriteString("processor_class", "LlavaProcessor");
            j.WriteString("vision_feature_select_strategy", "full");
        });
        WriteFile(folder, "tokenizer.json", j => Tokenizer(j, model.Tokenizer));
        WriteFile(folder, "tokenizer_config.json", j => TokenizerConfig(j, model));
        WriteFile(folder, "special_tokens_map.json", j =>
        {
            j.WriteString("bos_token", "<|begin_of_text|>");
            j.WriteString("eos_token", "<|end_of_text|>");
            j.WriteString("pad_token", "<|pad|>");
        });
        if (model.Geometry.ActionDim > 0)
        {
            WriteFile(folder, "dataset_statistics.json", j => Statistics(j, model));
        }
    }

    /// <summary>Writes model.safetensors.index.json.</summary>
    public static void WriteIndex(string folder, long totalBytes, Dictionary<string, string> files) =>
        WriteFile(folder, "model.safetensors.index.json", j => Index(j, totalBytes, files));

    private static void Index(Utf8JsonWriter j, long totalBytes, Dictionary<string, string> files)
    {
        j.WriteStartObject("metadata");
        j.WriteNumber("total_size", totalBytes);
        j.WriteEndObject();
        j.WriteStartObject("weight_map");
        foreach (var (tensor, file) in files)
        {
            j.WriteString(tensor, file);
        }

        j.WriteEndObject();
    }

    private static void WriteFile(string folder, string name, Action<Utf8JsonWriter> write)
    {
        using var file = new AtomicFile(Path.Combine(folder, name));
        using (var json = new Utf8JsonWriter(file.Stream, Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        file.Commit();
    }

    private static void Config(Utf8JsonWriter j, SynthModel model)
    {
        var g = model.Geometry;
        Strings(j, "architectures", ["BitVLAForActionPrediction"]);
        j.WriteString("model_type", "bitvla");
        j.WriteString("torch_dtype", "bfloat16");
        j.WriteNumber("vocab_size", g.VocabRows);
        j.WriteNumber("image_token_index", model.Manifest.ImageToken);
        j.WriteNumber("image_seq_length", g.Patches);
        j.WriteBoolean("multimodal_projector_bias", true);
        j.WriteString("projector_hidden_act", "gelu");
        j.WriteNumber("vision_feature_layer", -1);
        j.WriteString("vision_feature_select_strategy", "full");
        j.WriteNull("norm_stats");
        j.WriteStartObject("text_config");
        j.WriteString("model_type", "BitNet");
        j.WriteNumber("vocab_size", g.VocabRows);
        j.WriteNumber("hidden_size", g.Width);
        j.WriteNumber("intermediate_size", g.FeedForward);
        j.WriteNumber("num_hidden_layers", g.Layers);
        j.WriteNumber("num_attention_heads", g.Heads);
        j.WriteNumber("num_key_value_heads", g.KvHeads);
        j.WriteNumber("max_position_embeddings", 4096);
        j.WriteNumber("rms_norm_eps", g.RmsEpsilon);
        j.WriteNumber("rope_theta", g.RopeTheta);
        j.WriteBoolean("attention_bias", false);
        j.WriteBoolean("tie_word_embeddings", !g.HasLmHead);
        j.WriteNumber("bos_token_id", model.Manifest.BosToken);
        j.WriteNumber("eos_token_id", model.Manifest.StopToken);
        j.WriteString("hidden_act", "silu");
        j.WriteEndObject();
        j.WriteStartObject("vision_config");
        j.WriteString("model_type", "siglip_vision_model");
        j.WriteNumber("hidden_size", g.VisionWidth);
        j.WriteNumber("intermediate_size", g.VisionFeedForward);
        j.WriteNumber("num_hidden_layers", g.VisionLayers);
        j.WriteNumber("num_attention_heads", g.VisionHeads);
        j.WriteNumber("num_channels", 3);
        j.WriteNumber("image_size", g.ImageSize);
        j.WriteNumber("patch_size", g.PatchSize);
        j.WriteString("hidden_act", "gelu_pytorch_tanh");
        j.WriteNumber("layer_norm_eps", g.VisionEpsilon);
        j.WriteBoolean("vision_use_head", false);
        j.WriteNumber("vit_weight_bits", g.VisionTernary ? 1 : 32);
        j.WriteNumber("vit_act_bits", g.VisionTernary ? 8 : 32);
        j.WriteEndObject();
    }

    private static void Preprocessor(Utf8JsonWriter j, SynthModel model)
    {
        var m = model.Manifest;
        j.WriteString("image_processor_type", "SiglipImageProcessor");
        j.WriteBoolean("do_resize", true);
        j.WriteBoolean("do_rescale", true);
        j.WriteBoolean("do_normalize", true);
        j.WriteNull("do_convert_rgb");
        Numbers(j, "image_mean", m.PixelMean);
        Numbers(j, "image_std", m.PixelStd);
        j.WriteNumber("rescale_factor", m.PixelRescale);
        j.WriteNumber("resample", 3);
        j.WriteStartObject("size");
        j.WriteNumber("height", m.Geometry.ImageSize);
        j.WriteNumber("width", m.Geometry.ImageSize);
        j.WriteEndObject();
    }

    private static void Tokenizer(Utf8JsonWriter j, SynthTokenizer tokenizer)
    {
        j.WriteString("version", "1.0");
        j.WriteNull("truncation");
        j.WriteNull("padding");
        j.WriteStartArray("added_tokens");
        for (int i = 0; i < tokenizer.Added.Count; i++)
        {
            j.WriteStartObject();
            j.WriteNumber("id", tokenizer.FirstAdded + i);
            AddedToken(j, tokenizer.Added[i]);
            j.WriteEndObject();
        }

        j.WriteEndArray();
        j.WriteNull("normalizer");
        j.WriteStartObject("pre_tokenizer");
        j.WriteString("type", "Sequence");
        j.WriteStartArray("pretokenizers");
        j.WriteStartObject();
        j.WriteString("type", "Split");
        j.WriteStartObject("pattern");
        j.WriteString("Regex", Pretokenizer);
        j.WriteEndObject();
        j.WriteString("behavior", "Isolated");
        j.WriteBoolean("invert", false);
        j.WriteEndObject();
        j.WriteStartObject();
        ByteLevel(j, addPrefixSpace: false, useRegex: false);
        j.WriteEndObject();
        j.WriteEndArray();
        j.WriteEndObject();
        PostProcessor(j, tokenizer.FirstAdded);
        j.WriteStartObject("decoder");
        ByteLevel(j, addPrefixSpace: true, useRegex: true);
        j.WriteEndObject();
        j.WriteStartObject("model");
        j.WriteString("type", "BPE");
        j.WriteNull("dropout");
        j.WriteNull("unk_token");
        j.WriteNull("continuing_subword_prefix");
        j.WriteNull("end_of_word_suffix");
        j.WriteBoolean("fuse_unk", false);
        j.WriteBoolean("byte_fallback", false);
        j.WriteBoolean("ignore_merges", true);
        j.WriteStartObject("vocab");
        for (int id = 0; id < tokenizer.Ordinary.Count; id++)
        {
            j.WriteNumber(tokenizer.Ordinary[id], id);
        }

        j.WriteEndObject();
        Strings(j, "merges", []);
        j.WriteEndObject();
    }

    private static void ByteLevel(Utf8JsonWriter j, bool addPrefixSpace, bool useRegex)
    {
        j.WriteString("type", "ByteLevel");
        j.WriteBoolean("add_prefix_space", addPrefixSpace);
        j.WriteBoolean("trim_offsets", true);
        j.WriteBoolean("use_regex", useRegex);
    }

    private static void PostProcessor(Utf8JsonWriter j, int bos)
    {
        const string Begin = "<|begin_of_text|>";
        void Piece(string kind, string id)
        {
            j.WriteStartObject();
            j.WriteStartObject(kind);
            j.WriteString("id", id);
            j.WriteNumber("type_id", 0);
            j.WriteEndObject();
            j.WriteEndObject();
        }

        j.WriteStartObject("post_processor");
        j.WriteString("type", "TemplateProcessing");
        j.WriteStartArray("single");
        Piece("SpecialToken", Begin);
        Piece("Sequence", "A");
        j.WriteEndArray();
        j.WriteStartArray("pair");
        Piece("SpecialToken", Begin);
        Piece("Sequence", "A");
        Piece("Sequence", "B");
        j.WriteEndArray();
        j.WriteStartObject("special_tokens");
        j.WriteStartObject(Begin);
        j.WriteString("id", Begin);
        Numbers(j, "ids", [bos]);
        Strings(j, "tokens", [Begin]);
        j.WriteEndObject();
        j.WriteEndObject();
        j.WriteEndObject();
    }

    private static void TokenizerConfig(Utf8JsonWriter j, SynthModel model)
    {
        j.WriteStartObject("added_tokens_decoder");
        for (int i = 0; i < model.Tokenizer.Added.Count; i++)
        {
            j.WriteStartObject($"{model.Tokenizer.FirstAdded + i}");
            AddedToken(j, model.Tokenizer.Added[i]);
            j.WriteEndObject();
        }

        j.WriteEndObject();
        j.WriteString("bos_token", "<|begin_of_text|>");
        j.WriteString("eos_token", "<|end_of_text|>");
        j.WriteString("pad_token", "<|pad|>");
        j.WriteString("processor_class", "LlavaProcessor");
        j.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        string prompt = model.Manifest.PromptTemplate;
        j.WriteString("chat_template", prompt[..prompt.IndexOf("User: ", StringComparison.Ordinal)] + ChatTemplate);
    }

    private static void AddedToken(Utf8JsonWriter j, string content)
    {
        j.WriteString("content", content);
        j.WriteBoolean("single_word", false);
        j.WriteBoolean("lstrip", false);
        j.WriteBoolean("rstrip", false);
        j.WriteBoolean("normalized", false);
        j.WriteBoolean("special", true);
    }

    private static void Statistics(Utf8JsonWriter j, SynthModel model)
    {
        foreach (var s in model.Manifest.Statistics)
        {
            j.WriteStartObject(s.Name);
            j.WriteStartObject("action");
            Moments(j, s.ActionQ01, s.ActionQ99);
            j.WriteStartArray("mask");
            foreach (bool masked in s.ActionMask)
            {
                j.WriteBooleanValue(masked);
            }

            j.WriteEndArray();
            j.WriteEndObject();
            if (s.ProprioQ01.Length > 0)
            {
                j.WriteStartObject("proprio");
                Moments(j, s.ProprioQ01, s.ProprioQ99);
                j.WriteEndObject();
            }

            j.WriteNumber("num_transitions", 0);
            j.WriteNumber("num_trajectories", 0);
            j.WriteEndObject();
        }
    }

    // Only q01 and q99 matter; the others are there because real files have them.
    private static void Moments(Utf8JsonWriter j, double[] low, double[] high)
    {
        Numbers(j, "mean", low.Zip(high, (a, b) => (a + b) / 2));
        Numbers(j, "std", low.Zip(high, (a, b) => (b - a) / 4));
        Numbers(j, "max", high);
        Numbers(j, "min", low);
        Numbers(j, "q01", low);
        Numbers(j, "q99", high);
    }

    private static void Numbers(Utf8JsonWriter j, string name, IEnumerable<double> values)
    {
        j.WriteStartArray(name);
        foreach (double value in values)
        {
            j.WriteNumberValue(value);
        }

        j.WriteEndArray();
    }

    private static void Strings(Utf8JsonWriter j, string name, IEnumerable<string> values)
    {
        j.WriteStartArray(name);
        foreach (string value in values)
        {
            j.WriteStringValue(value);
        }

        j.WriteEndArray();
    }
}
