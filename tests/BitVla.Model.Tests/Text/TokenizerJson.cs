using System.Text;
using System.Text.Json;
using BitVla.Format;

namespace BitVla.Model.Tests.Text;

/// <summary>Reads tokenizers for tests: a checkpoint's tokenizer.json, or the plain file of tests/tools/llama3-vocabulary.mjs.</summary>
internal static class TokenizerJson
{
    /// <summary>Reads a tokenizer.json.</summary>
    public static TokenizerContent Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var model = document.RootElement.GetProperty("model");
        var ids = model.GetProperty("vocab").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetInt32(), StringComparer.Ordinal);
        var added = document.RootElement.GetProperty("added_tokens").EnumerateArray()
            .ToDictionary(t => t.GetProperty("id").GetInt32(), t => t.GetProperty("content").GetString()!);
        var merges = new List<uint>();
        foreach (var merge in model.GetProperty("merges").EnumerateArray())
        {
            string[] pair = merge.ValueKind == JsonValueKind.Array
                ? [merge[0].GetString()!, merge[1].GetString()!]
                : merge.GetString()!.Split(' ');
            merges.Add((uint)ids[pair[0]]);
            merges.Add((uint)ids[pair[1]]);
        }

        return Build(ids.ToDictionary(t => t.Value, t => t.Key), added, merges, model.GetProperty("ignore_merges").GetBoolean());
    }

    /// <summary>Reads the plain Llama-3 vocabulary and adds the tokens of BITVLA.md section 2.6.</summary>
    public static TokenizerContent ReadLlama3(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var ordinary = document.RootElement.GetProperty("tokens").EnumerateArray().Select((t, id) => (t, id))
            .ToDictionary(t => t.id, t => t.t.GetString()!);
        var merges = document.RootElement.GetProperty("merges").EnumerateArray().Select(id => id.GetUInt32()).ToList();
        string[] special =
        [
            "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "<|reserved_special_token_1|>", "<|reserved_special_token_2|>",
            "<|reserved_special_token_3|>", "<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>",
            "<|image_pad|>", "<proprio_pad>", .. Enumerable.Range(0, 252).Select(i => $"<action_{i}>"),
        ];
        return Build(ordinary, special.Select((t, i) => (t, i)).ToDictionary(t => 128000 + t.i, t => t.t), merges, ignoreMerges: true);
    }

    private static TokenizerContent Build(
        Dictionary<int, string> ordinary, Dictionary<int, string> added, List<uint> merges, bool ignoreMerges)
    {
        int count = ordinary.Keys.Concat(added.Keys).Max() + 1;
        var tokens = new byte[count][];
        int[] types = new int[count];
        for (int id = 0; id < count; id++)
        {
            types[id] = added.ContainsKey(id) ? TokenizerContent.AddedType
                : ordinary.ContainsKey(id) ? TokenizerContent.NormalType : TokenizerContent.UnusedType;
            tokens[id] = Encoding.UTF8.GetBytes(added.GetValueOrDefault(id) ?? ordinary.GetValueOrDefault(id) ?? $"[unused {id}]");
        }

        return new TokenizerContent { Tokens = tokens, TokenTypes = types, MergePairs = [.. merges], IgnoreMerges = ignoreMerges };
    }
}
