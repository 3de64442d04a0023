using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;
using BitVla.Packing.Synth;

namespace BitVla.Packing.Tests.Tools;

public sealed class SynthTests
{
    private const string Pretokenizer =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    [InlineData(SynthPresets.Tiny, 1, "c8f1000f54fd472ee5ea320107e9ec9243132f452416b0de39b18b0d71df25c0")]
    [InlineData(SynthPresets.Awkward, 1, "b83acc9edafcee68bb10e5787c281c85e9f27d2b321e2698cd05a2a580a89530")]
    public unsafe void Synth_Seed_GivesTheKnownTensorBytes(string preset, ulong seed, string sha256)
    {
        byte[] file = SmallModels.Write(SynthPresets.Geometry(preset), seed);
        fixed (byte* start = file)
        {
            long first = GgufDocument.Parse(start, file.Length, "file").DataStart;
            Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(file.AsSpan((int)first))));
        }
    }

    [Fact]
    public void Synth_SameSeedTwice_GivesTheSameFile() =>
        Assert.Equal(SmallModels.Write(SmallModels.Minimal, 5), SmallModels.Write(SmallModels.Minimal, 5));

    [Fact]
    public void Synth_OtherSeed_GivesOtherWeights() =>
        Assert.NotEqual(SmallModels.Write(SmallModels.Minimal, 5), SmallModels.Write(SmallModels.Minimal, 6));

    [Theory]
    [InlineData(SynthPresets.Tiny)]
    [InlineData(SynthPresets.Awkward)]
    public void Synth_Preset_PassesVerify(string preset) =>
        Assert.Empty(MemoryModel.Verify(SmallModels.Write(SynthPresets.Geometry(preset), 3), all: true));

    [Theory]
    [InlineData("--cameras", "1")]
    [InlineData("--cameras", "3")]
    [InlineData("--no-proprio", null)]
    [InlineData("--bf16-vision", null)]
    [InlineData("--lm-head", null)]
    [InlineData("--ffn", "100")]
    [InlineData("--head-bias", "0.5,-0.25,0,1,-1,0.125,0.75")]
    public void Synth_Option_GivesASoundFile(string option, string? value)
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("model");
        var made = Tool.Run(["synth", "-o", file, "--preset", "awkward", option, .. value is null ? Array.Empty<string>() : [value]]);
        Assert.Equal((0, ""), (made.Exit, made.Error));
        Assert.Equal(0, Tool.Run("verify", file, "--all").Exit);
    }

    [Fact]
    public unsafe void Synth_HeadBias_FixesTheOutput()
    {
        float[] actions = [0.5f, -0.3f, 1];
        using var model = new MemoryModel(SmallModels.Write(SmallModels.Minimal, 1, actions));
        var weight = model.Model.Tensor(TensorNames.HeadWeight2);
        Assert.Equal(-1, model.Model.Bytes(weight, 0, (int)weight.Bytes).IndexOfAnyExcept((byte)0));
        Assert.Equal(actions, new ReadOnlySpan<float>(model.Model.Floats(TensorNames.HeadBias2), 3).ToArray());
    }

    [Fact]
    public void Synth_ReleasedShape_LeavesRoomForTheRealTokenizer()
    {
        var model = new SynthModel("size", SynthPresets.Geometry(SynthPresets.BitVla3B), 1, null);
        const long RealTokenizerBytes = 128264 * (8 + 4 + 8L) + 280147 * 8L;
        long aligned = model.Plan.Sum(entry => (entry.Bytes + 63) / 64 * 64);
        Assert.True(aligned + RealTokenizerBytes + (1 << 17) <= 1_440_000_000, $"{aligned}");
    }

    [Fact]
    public void Synth_ReleasedShape_GivesAddedTokensTheirReleasedIds()
    {
        var tokenizer = SynthTokenizer.Create(128264);
        Assert.Equal(128000, tokenizer.Id("<|begin_of_text|>"));
        Assert.Equal(128001, tokenizer.Id("<|end_of_text|>"));
        Assert.Equal(128009, tokenizer.Id("<|eot_id|>"));
        Assert.Equal(128010, tokenizer.Id("<|image_pad|>"));
        Assert.Equal(128011, tokenizer.Id("<proprio_pad>"));
        Assert.Equal(128263, tokenizer.Id("<action_251>"));
        Assert.Equal(220, tokenizer.Ordinary.ToList().IndexOf("Ġ"));
    }

    // Goal: the observation's prompt has the length it has with the real tokenizer, 636, give or take ten. Method: the pre-tokenizer's
    // expression on each piece between added tokens; a piece in the vocabulary is one token, any other as many as it has bytes.
    [Fact]
    public void SynthTokenizer_LiberoObservation_GivesTheRealSequenceLength()
    {
        var lengths = LiberoInstructions.All.Select(SequenceLength).ToArray();
        Assert.Equal(634, lengths[0]);
        Assert.All(lengths, length => Assert.InRange(length, 618, 646));
    }

    [Theory]
    [InlineData("blk.0.attn_qkv.weight", "q", "language_model.model.layers.0.self_attn.q_proj.weight")]
    [InlineData("blk.1.attn_qkv.weight", "k", "language_model.model.layers.1.self_attn.k_proj.weight")]
    [InlineData("blk.2.ffn_gate_up.weight", "up", "language_model.model.layers.2.mlp.up_proj.weight")]
    [InlineData("blk.0.ffn_down.weight", "", "language_model.model.layers.0.mlp.down_proj.weight")]
    [InlineData("v.blk.1.attn_qkv.weight", "v", "vision_tower.vision_model.encoder.layers.1.self_attn.v_proj.weight")]
    [InlineData("v.blk.0.ffn_down.weight", "", "vision_tower.vision_model.encoder.layers.0.mlp.fc2.weight")]
    public void SynthCheckpoint_AbsMeanQuantiser_RecoversThePackedTrits(string packed, string part, string name)
    {
        using var folder = new TemporaryFolder();
        var model = new SynthModel("tiny", SynthPresets.Geometry(SynthPresets.Tiny), 9, null);
        CheckpointWriter.Write(model, folder.Root, CancellationToken.None);
        var (shape, latents) = Safetensors.ReadBFloat16(folder.File("model.safetensors"), name);
        double mean = latents.Average(w => Math.Abs((double)w));

        var entry = model.Plan.Single(e => e.Name == packed);
        var matrix = LogicalMatrix.Of(model.Geometry, entry)!;
        var segment = matrix.Segments.Single(s => s.Part == part);
        Assert.Equal([segment.Rows, matrix.K], shape);
        var codes = new byte[entry.Bytes];
        model.Tensor(entry).Fill(0, codes);
        var trits = new sbyte[matrix.K];
        for (int row = 0; row < segment.Rows; row++)
        {
            TernaryLayout.DecodeRow(codes, segment.First + row, matrix.N, trits);
            var recovered = latents.AsSpan(row * matrix.K, matrix.K).ToArray().Select(w => (sbyte)Math.Clamp(Math.Round(w / mean), -1, 1));
            Assert.Equal(trits, recovered);
        }
    }

    [Fact]
    public void SynthCheckpoint_DenseMatrix_EqualsThePackedOne()
    {
        using var folder = new TemporaryFolder();
        var model = new SynthModel("tiny", SynthPresets.Geometry(SynthPresets.Tiny), 9, null);
        CheckpointWriter.Write(model, folder.Root, CancellationToken.None);
        var (_, values) = Safetensors.ReadBFloat16(folder.File("model.safetensors"), "multi_modal_projector.linear_1.weight");
        var entry = model.Plan.Single(e => e.Name == TensorNames.ConnectorWeight1);
        var panels = new byte[entry.Bytes];
        model.Tensor(entry).Fill(0, panels);
        var row = new ushort[model.Geometry.VisionWidth];
        DenseLayout.DecodeRow(MemoryMarshal.Cast<byte, ushort>(panels), 17, row);
        Assert.Equal(row.Select(BFloat16.Widen), values.Skip(17 * row.Length).Take(row.Length));
    }

    [Fact]
    public void Synth_Json_IsOneObject()
    {
        using var folder = new TemporaryFolder();
        var made = Tool.Run("synth", "-o", folder.File("model"), "--json", "--seed", "4");
        using var json = JsonDocument.Parse(made.Output);
        Assert.Equal(64, json.RootElement.GetProperty("model_id").GetString()!.Length);
    }

    [Theory]
    [InlineData("synth")]
    [InlineData("synth", "-o", "x", "--checkpoint", "y")]
    [InlineData("synth", "-o", "x", "--heads", "3")]
    [InlineData("synth", "-o", "x", "--vocab-rows", "100")]
    [InlineData("synth", "-o", "x", "--cameras", "4")]
    [InlineData("synth", "-o", "x", "--head-bias", "1,2")]
    [InlineData("synth", "-o", "x", "--head-bias", "1,2,3,4,5,6,NaN")]
    [InlineData("synth", "-o", "x", "--preset", "huge")]
    [InlineData("synth", "-o", "/nowhere/to/be/found")]
    [InlineData("synth", "-o", "/tmp")]
    [InlineData("synth", "-o", "/dev/a-device-that-is-none")]
    [InlineData("unknown")]
    public void CommandLine_UsageError_ExitsWithOne(params string[] arguments)
    {
        var (exit, _, error) = Tool.Run(arguments);
        Assert.Equal(1, exit);
        Assert.NotEmpty(error);
    }

    private static int SequenceLength(string instruction)
    {
        var tokenizer = SynthTokenizer.Create(576);
        var words = tokenizer.Ordinary.ToHashSet(StringComparer.Ordinal);
        string prompt = ModelManifest.DefaultPromptTemplate
            .Replace("{images}", "", StringComparison.Ordinal)
            .Replace("{proprio}", "<proprio_pad>", StringComparison.Ordinal)
            .Replace("{instruction}", instruction, StringComparison.Ordinal);
        int tokens = 0;
        foreach (string piece in Regex.Split(prompt, @"(<\|eot_id\|>|<proprio_pad>)"))
        {
            if (tokenizer.Added.Contains(piece))
            {
                tokens++;
                continue;
            }

            foreach (Match match in Regex.Matches(piece, Pretokenizer))
            {
                tokens += words.Contains(match.Value.Replace(' ', 'Ġ')) ? 1 : Encoding.UTF8.GetByteCount(match.Value);
            }
        }

        const int Begin = 1;
        const int Images = 2 * 256;
        const int Slots = 7 * 8;
        const int Stop = 1;
        return Begin + tokens + Images + Slots + Stop;
    }
}
