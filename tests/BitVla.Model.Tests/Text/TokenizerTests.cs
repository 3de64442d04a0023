using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BitVla.Contracts;
using BitVla.Format;
using BitVla.Model.Text;
using BitVla.TestKit;

namespace BitVla.Model.Tests.Text;

public sealed class TokenizerTests(Llama3Vocabulary llama3, ITestOutputHelper output) : IClassFixture<Llama3Vocabulary>
{
    // What fills a text of the greatest length.
    private static readonly string[] Units = ["a", "<", " ", "\uffff", "\ud800", "\U0001F916", "<|image_pad|>", "ab", "\n", "中", "'"];

    [Fact]
    public void Tokenizer_RealVocabularyPlainTexts_EqualReference()
    {
        var tokenizer = new Tokenizer(llama3.Model.Tokenizer);
        int[] ids = new int[Tokenizer.MaxTokens];
        int cases = 0;
        using var document = Reference();
        foreach (var expected in document.RootElement.GetProperty("plain").EnumerateArray())
        {
            string text = expected.GetProperty("text").GetString()!;
            int count = tokenizer.Encode(text, ids);
            Assert.Equal(expected.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), ids[..count]);
            cases++;
        }

        Assert.Equal(12, cases);
    }

    [Fact]
    public void PromptAssembler_RealVocabularyPrompts_EqualReference()
    {
        var tokenizer = new Tokenizer(llama3.Model.Tokenizer);
        var manifest = llama3.Model.Manifest;
        int cases = 0;
        using var document = Reference();
        foreach (var expected in document.RootElement.GetProperty("prompts").EnumerateArray())
        {
            int images = expected.TryGetProperty("images", out var n) ? n.GetInt32() : 2;
            var cameras = Enumerable.Range(0, images).Select(i => new CameraSpec($"camera{i}", false)).ToArray();
            var assembler = new PromptAssembler(manifest with { Geometry = manifest.Geometry with { Cameras = cameras } }, tokenizer);
            int[] ids = new int[manifest.Geometry.MaxSequence + 256];
            var layout = assembler.Assemble(expected.GetProperty("instruction").GetString(), ids);
            Assert.Equal(Expand(expected.GetProperty("prompt_ids_collapsed")), ids[..layout.SlotStart]);
            Assert.Equal(expected.GetProperty("prompt_length").GetInt32(), layout.SlotStart);
            Assert.Equal(expected.GetProperty("sequence_length").GetInt32(), layout.Length);
            cases++;
        }

        Assert.Equal(23, cases);
    }

    /// <summary>The promise of the format: the released shape and the real tokenizer in at most 1.44e9 bytes.</summary>
    [Fact]
    public void PackedFile_ReleasedShapeWithRealTokenizer_KeepsItsSize()
    {
        var manifest = TinyModel.Manifest(llama3.Content, 224, 2, 0, ModelManifest.DefaultPromptTemplate);
        var released = manifest.Geometry with
        {
            VisionWidth = 1152,
            VisionFeedForward = 4304,
            VisionLayers = 26,
            VisionHeads = 16,
            Width = 2560,
            FeedForward = 6912,
            Layers = 30,
            Heads = 20,
            KvHeads = 5,
            VocabRows = 128264,
            HeadBlocks = 2,
            ProprioDim = 8,
        };
        string path = Path.Combine(Path.GetTempPath(), $"bitvla-size-{Guid.NewGuid():n}.gguf");
        using var writer = new PackedModelWriter(path, manifest with { Geometry = released }, llama3.Content);
        output.WriteLine($"{writer.FileBytes} bytes");
        Assert.InRange(writer.FileBytes, 1_430_000_000, 1_440_000_000);
    }

    [Fact]
    public void Tokenizer_EveryVocabularyEntryThatIsText_ComesBackAsTheSameText()
    {
        var tables = llama3.Model.Tokenizer;
        var tokenizer = new Tokenizer(tables);
        int[] ids = new int[Tokenizer.MaxTokens];
        for (int id = 0; id < tables.Count; id++)
        {
            byte[] bytes = Decoder.Decode(tables, [id]);
            string text = Encoding.UTF8.GetString(bytes);
            int count = tokenizer.Encode(text, ids);
            Assert.Equal(Encoding.UTF8.GetBytes(text), Decoder.Decode(tables, ids.AsSpan(0, count)));
            if (tables.TokenType(id) == TokenizerContent.AddedType)
            {
                Assert.Equal([id], ids[..count]);
            }
        }
    }

    [Theory]
    [InlineData(false, 11)]
    [InlineData(true, 12)]
    public void Tokenizer_RandomText_DecodesToItsBytes(bool real, int seed)
    {
        using var nano = OpenNano();
        var tables = real ? llama3.Model.Tokenizer : nano.Tokenizer;
        var tokenizer = new Tokenizer(tables);
        int[] ids = new int[Tokenizer.MaxTokens];
        var random = new Random(seed);
        for (int i = 0; i < 3000; i++)
        {
            string text = RandomText.Any(random, random.Next(60));
            int count = tokenizer.Encode(text, ids);
            Assert.Equal(Encoding.UTF8.GetBytes(text), Decoder.Decode(tables, ids.AsSpan(0, count)));
        }
    }

    [Theory]
    [InlineData(false, 21)]
    [InlineData(true, 22)]
    public void Tokenizer_RandomPreTokens_MergeAsTheDefinitionSays(bool real, int seed)
    {
        using var nano = OpenNano();
        var tables = real ? llama3.Model.Tokenizer : nano.Tokenizer;
        var tokenizer = new Tokenizer(tables);
        int[] ids = new int[Tokenizer.MaxTokens];
        var random = new Random(seed);
        const string Letters = "aaaabceehiilmnnoorsstttéü";
        for (int i = 0; i < 3000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => Letters[random.Next(Letters.Length)]));
            int count = tokenizer.Encode(text, ids);
            Assert.Equal(MergeByDefinition(tables, text), ids[..count]);
        }
    }

    [Fact]
    public void Tokenizer_LoneSurrogate_IsReplaced()
    {
        // Not inline data: attributes hold UTF-8, which has no lone surrogates.
        (string Text, string Replaced)[] cases =
        [
            ("\ud800", "\ufffd"),
            ("a\udfffb", "a\ufffdb"),
            ("\udc00\ud800\ud800", "\ufffd\ufffd\ufffd"),
            ("\ud83e\udd16\ud83e", "\U0001F916\ufffd"),
        ];
        var tokenizer = new Tokenizer(llama3.Model.Tokenizer);
        foreach (var (text, replaced) in cases)
        {
            int[] found = new int[64];
            int[] expected = new int[64];
            Assert.Equal(tokenizer.Encode(replaced, expected), tokenizer.Encode(text, found));
            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void Tokenizer_AddedTokens_LongestAtTheLeftmostPlace()
    {
        using var model = OpenNano();
        int[] ids = new int[64];
        int count = new Tokenizer(model.Tokenizer).Encode("<action_1><action_10><action_1 <|eot_id<|eot_id|>|>", ids);
        int one = model.Tokenizer.Find("<action_1>"u8);
        int ten = model.Tokenizer.Find("<action_10>"u8);
        int eot = model.Tokenizer.Find("<|eot_id|>"u8);
        int[] added = ids[..count].Where(id => model.Tokenizer.TokenType(id) == TokenizerContent.AddedType).ToArray();
        Assert.Equal([one, ten, eot], added);
    }

    [Fact]
    public void Tokenizer_OverlappingAddedTokens_PrefixAndLongerBothFound()
    {
        var nano = NanoContent();
        byte[][] more = [.. "<a <ab <abcd bc".Split(' ').Select(Encoding.UTF8.GetBytes)];
        var content = nano with
        {
            Tokens = [.. nano.Tokens, .. more],
            TokenTypes = [.. nano.TokenTypes, .. more.Select(_ => TokenizerContent.AddedType)],
        };
        int first = nano.Tokens.Count;
        using var model = TinyModel.Open(content);
        int[] ids = new int[64];
        int count = new Tokenizer(model.Tokenizer).Encode("<abcd<abc<a<abcbc", ids);
        int c = model.Tokenizer.Find("c"u8);
        Assert.Equal([first + 2, first + 1, c, first, first + 1, c, first + 3], ids[..count]);
    }

    [Fact]
    public void Tokenizer_LongestTexts_EncodeAndLongerAreRefused()
    {
        var tokenizer = new Tokenizer(llama3.Model.Tokenizer);
        int[] ids = new int[Tokenizer.MaxTokens];
        foreach (string unit in Units)
        {
            string text = string.Concat(Enumerable.Repeat(unit, Tokenizer.MaxTextCharacters / unit.Length));
            var watch = Stopwatch.StartNew();
            int count = tokenizer.Encode(text, ids);
            output.WriteLine($"{text.Length} of {unit.Length}-character unit: {count} tokens, {watch.Elapsed.TotalMilliseconds:f2} ms");
            byte[] expected = Encoding.UTF8.GetBytes(text);
            Assert.Equal(expected, Decoder.Decode(llama3.Model.Tokenizer, ids.AsSpan(0, count)));
        }

        var refusal = Assert.Throws<ObservationException>(() => tokenizer.Encode(new string('a', 100_000), ids));
        Assert.Equal("text: expected at most 4096 characters, found 100000", refusal.Message);
    }

    [Theory]
    [InlineData("one two three", 2)]
    [InlineData("zxqjvk", 1)]
    [InlineData("<|eot_id|><|eot_id|>", 1)]
    [InlineData("a", 0)]
    public void Tokenizer_TooLittleRoom_IsATypedRefusal(string text, int room)
    {
        var tokenizer = new Tokenizer(llama3.Model.Tokenizer);
        var refusal = Assert.Throws<ObservationException>(() => tokenizer.Encode(text, new int[room]));
        Assert.Equal($"at most {room} tokens", refusal.Expected);
    }

    [Fact]
    public void Tokenizer_BeginToken_OnlyWhenAskedFor()
    {
        var tables = llama3.Model.Tokenizer;
        int[] ids = new int[4];
        Assert.Equal(1, new Tokenizer(tables, 128000).Encode("pick", ids));
        Assert.Equal(2, new Tokenizer(tables, 128000).Encode("pick", ids, withBegin: true));
        Assert.Equal(128000, ids[0]);
        Assert.Equal(1, new Tokenizer(tables, 128000).Encode("", ids, withBegin: true));
        Assert.Throws<InvalidOperationException>(() => new Tokenizer(tables).Encode("pick", ids, withBegin: true));
    }

    [Fact]
    public void Tokenizer_MergeResultMissing_DoesNotHappen()
    {
        // "h" and "e" keep their merge, but "he" is taken from the vocabulary: the pair must stay two tokens.
        var nano = NanoContent();
        int missing = -1;
        for (int id = 256; id < nano.Tokens.Count && missing < 0; id++)
        {
            missing = Encoding.UTF8.GetString(nano.Tokens[id]) == "he" ? id : -1;
        }

        int[] types = [.. nano.TokenTypes];
        types[missing] = TokenizerContent.UnusedType;
        using var model = TinyModel.Open(nano with { TokenTypes = types });
        int[] ids = new int[8];
        int count = new Tokenizer(model.Tokenizer).Encode("he", ids);
        Assert.Equal([model.Tokenizer.Find("h"u8), model.Tokenizer.Find("e"u8)], ids[..count]);
    }

    [Fact]
    public void Tokenizer_VocabularyWithoutAByte_IsAnArtefactError()
    {
        var nano = NanoContent();
        int[] types = [.. nano.TokenTypes];
        types[0] = TokenizerContent.UnusedType;
        using var model = TinyModel.Open(nano with { TokenTypes = types });
        var error = Assert.Throws<ArtifactException>(() => new Tokenizer(model.Tokenizer));
        Assert.Equal(ArtifactError.Missing, error.Error);
    }

    [Fact]
    public void Tokenizer_AfterWarmUp_AllocatesNothing()
    {
        var tokenizer = new Tokenizer(llama3.Model.Tokenizer, 128000);
        int[] ids = new int[Tokenizer.MaxTokens];
        string[] texts = Enumerable.Range(0, 64).Select(i => RandomText.Any(new Random(i), 40)).ToArray();
        long Run()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1024; i++)
            {
                tokenizer.Encode(texts[i % texts.Length], ids, withBegin: true);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Run();
        Assert.Equal(0, Run());
    }

    [Fact]
    public void Tokenizer_RealVocabulary_TimesArePrinted()
    {
        string path = Path.Combine(Path.GetTempPath(), $"bitvla-timed-{Guid.NewGuid():n}.gguf");
        TinyModel.Save(path, llama3.Content);
        var watch = Stopwatch.StartNew();
        using var model = PackedModel.Open(path);
        double open = watch.Elapsed.TotalMilliseconds;
        File.Delete(path);
        watch.Restart();
        var tokenizer = new Tokenizer(model.Tokenizer);
        double build = watch.Elapsed.TotalMilliseconds;
        var assembler = new PromptAssembler(llama3.Model.Manifest, tokenizer);
        int[] ids = new int[llama3.Model.Manifest.Geometry.MaxSequence];
        const string Instruction = "pick up the black bowl between the plate and the ramekin and place it on the plate";
        for (int i = 0; i < 1000; i++)
        {
            assembler.Assemble(Instruction, ids);
        }

        watch.Restart();
        for (int i = 0; i < 1000; i++)
        {
            assembler.Assemble(Instruction, ids);
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"open with tables {open:f1} ms, tokenizer {build:f1} ms, assemble {watch.Elapsed.TotalMilliseconds:f1} us each of 1000"));
    }

    // The definition: again and again the leftmost of the pairs with the lowest rank, over plain lists.
    private static List<int> MergeByDefinition(PackedTokenizer tables, string text)
    {
        var symbols = new List<string>();
        var buffer = new byte[ByteAlphabet.MaxBytes];
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            symbols.Add(Encoding.UTF8.GetString(buffer, 0, ByteAlphabet.Write(b, buffer)));
        }

        int whole = tables.Find(Encoding.UTF8.GetBytes(string.Concat(symbols)));
        if (tables.IgnoreMerges && whole >= 0)
        {
            return [whole];
        }

        while (true)
        {
            int best = -1;
            int bestRank = int.MaxValue;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int rank = tables.MergeRank(Id(symbols[i]), Id(symbols[i + 1]));
                if (rank >= 0 && rank < bestRank)
                {
                    (best, bestRank) = (i, rank);
                }
            }

            if (best < 0)
            {
                return symbols.ConvertAll(Id);
            }

            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }

        int Id(string symbol) => tables.Find(Encoding.UTF8.GetBytes(symbol));
    }

    private static JsonDocument Reference() => JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("tokenizer", "llama3_ids.json")));

    private static List<int> Expand(JsonElement collapsed)
    {
        var ids = new List<int>();
        foreach (var item in collapsed.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Array)
            {
                ids.AddRange(Enumerable.Repeat(item[0].GetInt32(), item[1].GetInt32()));
            }
            else
            {
                ids.Add(item.GetInt32());
            }
        }

        return ids;
    }

    private static TokenizerContent NanoContent() =>
        TokenizerJson.Read(Repository.Golden("vla_nano_tight", "checkpoint", "tokenizer.json"));

    private static PackedModel OpenNano() => TinyModel.Open(NanoContent());
}
