using System.Text;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>tokenizer.json: the byte-level BPE of Llama 3, checked to be the one that the engine speaks.</summary>
/// <remarks>Source: BITVLA.md section 2.6; huggingface/tokenizers serialisation.</remarks>
internal static class TokenizerReader
{
    /// <summary>The token that the post-processor puts first.</summary>
    public const string BeginOfText = "<|begin_of_text|>";

    /// <summary>The stop token.</summary>
    public const string EndOfText = "<|end_of_text|>";

    /// <summary>The image placeholder.</summary>
    public const string ImagePad = "<|image_pad|>";

    /// <summary>The proprio placeholder.</summary>
    public const string ProprioPad = "<proprio_pad>";

    /// <summary>Where text is cut before merging.</summary>
    public const string SplitPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    // Llama 3's file has 9 to 17 MB, depending on how its merges are written.
    private const int MaxFileBytes = 64 << 20;
    private const int MaxMerges = 1 << 21;
    private const int MaxTokenBytes = 4096;

    /// <summary>A tokenizer with the lookup that finds special tokens by text.</summary>
    public sealed record Result(TokenizerContent Content, IReadOnlyDictionary<string, int> Ids, string File)
    {
        /// <summary>Id of a token that must be there.</summary>
        public int Id(string token) => Ids.TryGetValue(token, out int id)
            ? id
            : throw new ArtifactException(ArtifactError.Missing, File, token, "this token", "no such token");
    }

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vocabRows">Rows of the embedding table; every id must have one.</param>
    public static Result Read(string path, int vocabRows)
    {
        var root = JsonField.Read(path, MaxFileBytes);
        CheckPipeline(root);
        var model = root["model"];
        CheckModel(model);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var tokens = new List<byte[]?>();
        var types = new List<int>();
        foreach (var (token, field) in model["vocab"].Members())
        {
            int id = (int)field.Integer(0, vocabRows - 1);
            Place(field, token, id, TokenizerContent.NormalType);
            ids.Add(token, id);
        }

        int ordinary = ids.Count;
        foreach (var added in root["added_tokens"].Items())
        {
            AddToken(added);
        }

        CheckBytes(model, ids);
        CheckPostProcessor(root["post_processor"], ids);
        uint[] merges = Merges(model["merges"], ids, ordinary);
        var content = new TokenizerContent
        {
            Tokens = tokens.Select(token => token ?? []).ToArray(),
            TokenTypes = types.ToArray(),
            MergePairs = merges,
            IgnoreMerges = model.Bool("ignore_merges", false),
        };
        return new Result(content, ids, path);

        void AddToken(JsonField added)
        {
            string text = added["content"].Text();
            int id = (int)added["id"].Integer(0, vocabRows - 1);
            foreach (string flag in new[] { "single_word", "lstrip", "rstrip" })
            {
                added.Demand(flag, false, false);
            }

            if (ids.TryGetValue(text, out int known))
            {
                if (known != id || types[id] == TokenizerContent.AddedType)
                {
                    throw added.Wrong(known == id ? ArtifactError.Duplicate : ArtifactError.Contradiction, "one id for a token", $"{known} and {id} for {text}");
                }

                types[id] = TokenizerContent.AddedType;
                return;
            }

            Place(added, text, id, TokenizerContent.AddedType);
            ids.Add(text, id);
        }

        void Place(JsonField field, string token, int id, int type)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(token);
            if (bytes.Length is 0 or > MaxTokenBytes)
            {
                throw field.Wrong(ArtifactError.InvalidValue, $"a token of 1 to {MaxTokenBytes} bytes", $"{bytes.Length}");
            }

            while (tokens.Count <= id)
            {
                tokens.Add(null);
                types.Add(TokenizerContent.UnusedType);
            }

            if (tokens[id] is { } other)
            {
                throw field.Wrong(ArtifactError.Contradiction, "one token for an id", $"{Encoding.UTF8.GetString(other)} and {token} under {id}");
            }

            tokens[id] = bytes;
            types[id] = type;
        }
    }

    private static void CheckPipeline(JsonField root)
    {
        foreach (string absent in new[] { "normalizer", "truncation", "padding" })
        {
            if (root.Optional(absent) is { IsMissing: false } field)
            {
                throw field.Wrong(ArtifactError.Unsupported, "null", field.Describe());
            }
        }

        var steps = root["pre_tokenizer"];
        steps.Demand("type", "Sequence", "nothing");
        var list = steps["pretokenizers"].Items().ToArray();
        if (list.Length != 2)
        {
            throw steps.Wrong(ArtifactError.Unsupported, "Split and ByteLevel", $"{list.Length} steps");
        }

        list[0].Demand("type", "Split", "nothing");
        list[0].Demand("behavior", "Isolated", "nothing");
        list[0].Demand("invert", false, false);
        list[0]["pattern"].Demand("Regex", SplitPattern, "nothing");
        list[1].Demand("type", "ByteLevel", "nothing");
        list[1].Demand("add_prefix_space", false, true);
        list[1].Demand("use_regex", false, true);
    }

    private static void CheckModel(JsonField model)
    {
        model.Demand("type", "BPE", "BPE");
        model.Demand("byte_fallback", false, false);
        model.Demand("continuing_subword_prefix", "", "");
        model.Demand("end_of_word_suffix", "", "");
        foreach (string absent in new[] { "dropout", "unk_token" })
        {
            if (model.Optional(absent) is { IsMissing: false } field)
            {
                throw field.Wrong(ArtifactError.Unsupported, "null", field.Describe());
            }
        }
    }

    // The text of a prompt begins with begin-of-text because the post-processor puts it there; the engine does the same.
    private static void CheckPostProcessor(JsonField post, Dictionary<string, int> ids)
    {
        var steps = post.Text("type", "") == "Sequence" ? post["processors"].Items() : [post];
        var templates = steps.Where(step => step.Text("type", "") == "TemplateProcessing").ToArray();
        if (templates is not [var template])
        {
            throw post.Wrong(ArtifactError.Unsupported, "one TemplateProcessing step", $"{templates.Length}");
        }

        var single = template["single"].Items().ToArray();
        if (single.Length != 2)
        {
            throw template.Wrong(ArtifactError.Unsupported, $"{BeginOfText} and the sequence", $"{single.Length} pieces");
        }

        single[0]["SpecialToken"].Demand("id", BeginOfText, "nothing");
        single[1]["Sequence"].Demand("id", "A", "nothing");
        var special = template["special_tokens"][BeginOfText]["ids"];
        var first = special.Length == 1 ? special.Items().First() : throw special.Wrong(ArtifactError.Unsupported, "one id", $"{special.Length}");
        if (!ids.TryGetValue(BeginOfText, out int bos) || first.Integer(0, int.MaxValue) != bos)
        {
            throw first.Wrong(ArtifactError.Contradiction, $"the id of {BeginOfText}", first.Describe());
        }
    }

    // Every byte must have a token, else some text could not be said. Source: GPT-2's bytes_to_unicode.
    private static void CheckBytes(JsonField model, Dictionary<string, int> ids)
    {
        int moved = 0;
        for (int value = 0; value < 256; value++)
        {
            bool itself = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            char symbol = (char)(itself ? value : 256 + moved++);
            if (!ids.ContainsKey(symbol.ToString()))
            {
                throw model.Wrong(ArtifactError.Missing, $"a token for byte {value:x2}", "none");
            }
        }
    }

    private static uint[] Merges(JsonField merges, Dictionary<string, int> ids, int ordinary)
    {
        int count = merges.Length;
        if (count > MaxMerges)
        {
            throw merges.Wrong(ArtifactError.LimitExceeded, $"at most {MaxMerges} merges", $"{count}");
        }

        uint[] pairs = new uint[2 * count];
        var seen = new HashSet<ulong>(count);
        int rank = 0;
        foreach (var merge in merges.Items())
        {
            var (left, right) = Parts(merge);
            int leftId = PartId(merge, left);
            int rightId = PartId(merge, right);
            PartId(merge, left + right);
            if (!seen.Add((ulong)(uint)leftId << 32 | (uint)rightId))
            {
                throw merge.Wrong(ArtifactError.Duplicate, "distinct merges", merge.Describe());
            }

            pairs[2 * rank] = (uint)leftId;
            pairs[2 * rank + 1] = (uint)rightId;
            rank++;
        }

        return pairs;

        int PartId(JsonField merge, string part) => ids.TryGetValue(part, out int id)
            ? id
            : throw merge.Wrong(ArtifactError.Missing, $"a token {part} among {ordinary}", "none");
    }

    private static (string Left, string Right) Parts(JsonField merge)
    {
        string[] parts = merge.IsString ? merge.Text().Split(' ') : merge.Items().Take(3).Select(part => part.Text()).ToArray();
        return parts.Length == 2 ? (parts[0], parts[1]) : throw merge.Wrong(ArtifactError.Malformed, "two parts", merge.Describe());
    }
}
