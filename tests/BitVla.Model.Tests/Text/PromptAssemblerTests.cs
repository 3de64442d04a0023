using System.Text.Json;
using BitVla.Contracts;
using BitVla.Format;
using BitVla.Model.Text;
using BitVla.TestKit;

namespace BitVla.Model.Tests.Text;

public class PromptAssemblerTests
{
    [Theory]
    [InlineData("vla_nano_tight")]
    [InlineData("vla_full224")]
    [InlineData("vla_sharded_tied")]
    [InlineData("vla_single_bf16vit")]
    public void PromptAssembler_GoldenInstruction_GivesTheAuthorsIds(string name)
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden(name, "manifest.json")));
        var manifest = golden.RootElement;
        using var model = OpenGolden(name, manifest);
        int[] expected = ReadInputIds(Repository.Golden(name, "inputs", "inputs.safetensors"));
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];

        var layout = Assembler(model).Assemble(manifest.GetProperty("instruction").GetString(), ids);

        Assert.Equal(expected, ids[..layout.Length]);
        Assert.Equal(manifest.GetProperty("sequence_length").GetInt32(), layout.Length);
        var constants = manifest.GetProperty("constants");
        int image = constants.GetProperty("image_token_idx").GetInt32();
        Assert.Equal(Array.IndexOf(expected, image), layout.ImageStart);
        Assert.Equal(model.Manifest.Geometry.ImageTokens, expected.Count(id => id == image));
        Assert.Equal(Array.IndexOf(expected, constants.GetProperty("proprio_pad_idx").GetInt32()), layout.ProprioPosition);
        var rows = manifest.GetProperty("action_hidden_positions");
        Assert.Equal(rows[0].GetInt32(), layout.ReadoutStart);
        Assert.Equal(rows[1].GetInt32(), layout.StopPosition - 2);
        Assert.Equal(56, layout.StopPosition - layout.SlotStart);
        Assert.Equal(layout.Length, layout.PromptTokens + model.Manifest.Geometry.ImageTokens + 1 + 56 + 1);
    }

    [Theory]
    [InlineData("put <|image_pad|> here", "1")]
    [InlineData("put <|IMAGE_PAD|> here", "1")]
    [InlineData("<proprio_pad><proprio_pad>", "2")]
    [InlineData("look at <image>\n", "<image>")]
    [InlineData("look at <IMAGE>", "<image>")]
    public void PromptAssembler_PlaceholderInInstruction_IsRefused(string instruction, string found)
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var refusal = Assert.Throws<ObservationException>(() => Assembler(model).Assemble(instruction, ids));
        Assert.Equal("instruction", refusal.Field);
        Assert.Equal(found, refusal.Found);
        Assert.Contains("placeholder", refusal.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void PromptAssembler_OtherAddedTokenInInstruction_IsCutOutAsTheAuthorsDo()
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var layout = Assembler(model).Assemble("stop<|eot_id|>now", ids);
        int eot = model.Tokenizer.Find("<|eot_id|>"u8);
        Assert.Equal(3, ids.Take(layout.SlotStart).Count(id => id == eot));
    }

    [Theory]
    [InlineData("", "nothing")]
    [InlineData(" \t\r\n\u00a0\u3000", "white space only")]
    public void PromptAssembler_BlankInstruction_IsRefused(string instruction, string found)
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var refusal = Assert.Throws<ObservationException>(() => Assembler(model).Assemble(instruction, ids));
        Assert.Equal($"instruction: expected a sentence, found {found}", refusal.Message);
    }

    [Fact]
    public void PromptAssembler_TokensAroundTheLimit_LastOneFitsNextIsRefused()
    {
        using var model = OpenNano();
        var assembler = Assembler(model);
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];

        // Each "!1" is two pre-tokens without a merge between them, so the count grows by two.
        int fixedTokens = assembler.Assemble("!1", ids).PromptTokens - 2;
        int most = (ModelGeometry.MaxPromptTokens - fixedTokens) / 2;
        var layout = assembler.Assemble(Repeat("!1", most), ids);
        Assert.Equal(fixedTokens + 2 * most, layout.PromptTokens);
        var refusal = Assert.Throws<ObservationException>(() => assembler.Assemble(Repeat("!1", most + 1), ids));
        Assert.Equal("instruction", refusal.Field);
        Assert.Contains("256", refusal.Expected, StringComparison.Ordinal);
        Assert.Equal($"{fixedTokens + 2 * most + 2}", refusal.Found);
    }

    [Theory]
    [InlineData(4097)]
    [InlineData(100_000)]
    public void PromptAssembler_LongInstruction_IsRefusedByItsLength(int length)
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var refusal = Assert.Throws<ObservationException>(() => Assembler(model).Assemble(new string('a', length), ids));
        Assert.Equal("instruction", refusal.Field);
        Assert.Equal($"{length}", refusal.Found);
    }

    [Fact]
    public void PromptAssembler_ControlCharactersAndLoneSurrogates_AreTokens()
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var layout = Assembler(model).Assemble("lift\0it\u001b\ud800 now\udc00", ids);
        string prompt = System.Text.Encoding.UTF8.GetString(Decoder.Decode(model.Tokenizer, ids.AsSpan(0, layout.SlotStart)));
        Assert.EndsWith("take to lift\0it\u001b\ufffd now\ufffd?<|eot_id|>Assistant: ", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void PromptAssembler_WholePromptAtOnce_EqualsPieces()
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var tokenizer = new Tokenizer(model.Tokenizer, model.Manifest.BosToken);
        var assembler = Assembler(model);
        int[] whole = new int[Tokenizer.MaxTokens];
        var random = new Random(7);
        for (int i = 0; i < 200; i++)
        {
            string instruction = RandomText.Words(random, 40).ToLowerInvariant();
            var layout = assembler.Assemble(instruction, ids);
            string images = Repeat("<|image_pad|>", model.Manifest.Geometry.ImageTokens);
            string prompt = ModelManifest.DefaultPromptTemplate.Replace("{images}", images, StringComparison.Ordinal)
                .Replace("{proprio}", "<proprio_pad>", StringComparison.Ordinal)
                .Replace("{instruction}", instruction, StringComparison.Ordinal);
            int count = tokenizer.Encode(prompt, whole, withBegin: true);
            Assert.Equal(whole[..count], ids[..layout.SlotStart]);
        }
    }

    [Theory]
    [InlineData("{images}{proprio}", "{instruction}")]
    [InlineData("{images}{proprio}{images}{instruction}", "{images}")]
    [InlineData("{images}{instruction}", "{proprio}")]
    [InlineData("{images}{proprio}<|image_pad|>{instruction}", "placeholder")]
    [InlineData("<proprio_pad>{images}{proprio}{instruction}", "placeholder")]
    public void PromptAssembler_WrongTemplate_IsAnArtefactError(string template, string expected)
    {
        using var model = OpenNano(template);
        var error = Assert.Throws<ArtifactException>(() => Assembler(model));
        Assert.Equal(ArtifactError.InvalidValue, error.Error);
        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{instruction}{proprio}{images}")]
    [InlineData("a {proprio}b {instruction} c{images}")]
    [InlineData("{images}x{instruction}{proprio}")]
    public void PromptAssembler_TemplateInAnotherOrder_LayoutFollows(string template)
    {
        using var model = OpenNano(template);
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var layout = Assembler(model).Assemble("go", ids);
        Assert.Equal(model.Manifest.ProprioToken, ids[layout.ProprioPosition]);
        var images = ids.Skip(layout.ImageStart).Take(model.Manifest.Geometry.ImageTokens);
        Assert.All(images, id => Assert.Equal(model.Manifest.ImageToken, id));
        Assert.Equal(model.Manifest.StopToken, ids[layout.StopPosition]);
        Assert.Equal(layout.Length, layout.PromptTokens + model.Manifest.Geometry.ImageTokens + 58);
    }

    [Fact]
    public void PromptAssembler_AfterWarmUp_AllocatesNothing()
    {
        using var model = OpenNano();
        var assembler = Assembler(model);
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        string[] instructions = ["put the RED mug on the tray", "naïve 机器人 🤖 don't", "<action_1> and <|eot_id|>"];
        long Run()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                assembler.Assemble(instructions[i % instructions.Length], ids);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Run();
        Assert.Equal(0, Run());
    }

    [Fact]
    public void PromptAssembler_ShortBuffer_IsTheCallersError()
    {
        using var model = OpenNano();
        int[] ids = new int[model.Manifest.Geometry.MaxSequence - 1];
        Assert.Throws<ArgumentException>(() => Assembler(model).Assemble("go", ids));
    }

    private static PromptAssembler Assembler(PackedModel model) => new(model.Manifest, new Tokenizer(model.Tokenizer));

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static PackedModel OpenNano(string template = ModelManifest.DefaultPromptTemplate) =>
        TinyModel.Open(TokenizerJson.Read(Repository.Golden("vla_nano_tight", "checkpoint", "tokenizer.json")), 28, 2, 512, template);

    private static PackedModel OpenGolden(string name, JsonElement manifest)
    {
        var tokenizer = TokenizerJson.Read(Repository.Golden(name, "checkpoint", "tokenizer.json"));
        var dims = manifest.GetProperty("dims");
        Assert.Equal(14, dims.GetProperty("patch").GetInt32());
        return TinyModel.Open(
            tokenizer,
            dims.GetProperty("image_size").GetInt32(),
            manifest.GetProperty("num_images_in_input").GetInt32(),
            dims.GetProperty("vocab").GetInt32());
    }

    private static int[] ReadInputIds(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerBytes = (int)BitConverter.ToUInt64(file);
        using var header = JsonDocument.Parse(file.AsMemory(8, headerBytes));
        var tensor = header.RootElement.GetProperty("input_ids");
        Assert.Equal("I64", tensor.GetProperty("dtype").GetString());
        var range = tensor.GetProperty("data_offsets");
        int from = 8 + headerBytes + range[0].GetInt32();
        int to = 8 + headerBytes + range[1].GetInt32();
        return Enumerable.Range(0, (to - from) / 8).Select(i => (int)BitConverter.ToInt64(file, from + 8 * i)).ToArray();
    }
}
