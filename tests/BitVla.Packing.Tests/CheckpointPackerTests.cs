using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using BitVla.Format;
using BitVla.Format.Layout;
using BitVla.TestKit;

namespace BitVla.Packing.Tests;

public sealed unsafe class CheckpointPackerTests(ITestOutputHelper output)
{
    private static readonly string[] SingleCamera = ["vla_single_bf16vit"];

    public static TheoryData<string> Goldens => ["vla_full224", "vla_nano_tight", "vla_sharded_tied", "vla_single_bf16vit"];

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Pack_Golden_OpensAndEveryTensorChecks(string golden)
    {
        using var folder = new TempFolder();
        var summary = TestPacker.Pack(Repository.Golden(golden, "checkpoint"), folder.At("m.bitvla"), Options(golden));
        using var model = PackedModel.Open(summary.Path);
        model.CheckTensors(TestContext.Current.CancellationToken);
        for (int row = 0; row < model.Manifest.Geometry.VocabRows; row++)
        {
            model.CheckEmbeddingRow(row);
        }

        Assert.Equal(summary.ModelId, model.ModelId);
        Assert.Single(Directory.GetFiles(folder.Path));
        Assert.InRange(summary.LargestBufferBytes, 1, 1 << 20);
        output.WriteLine($"{golden}: {summary.Bytes} bytes, largest buffer {summary.LargestBufferBytes}; {string.Join("; ", summary.Notes)}");
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Pack_Golden_GeometryEqualsManifest(string golden)
    {
        using var folder = new TempFolder();
        using var model = PackGolden(folder, golden);
        var manifest = JsonNode.Parse(File.ReadAllText(Repository.Golden(golden, "manifest.json")))!;
        var g = model.Manifest.Geometry;
        var text = manifest["dims"]!["text"]!;
        var vision = manifest["dims"]!["vision"]!;
        Assert.Equal((int)text["hidden_size"]!, g.Width);
        Assert.Equal((int)text["num_key_value_heads"]!, g.KvHeads);
        Assert.Equal((int)text["num_hidden_layers"]!, g.Layers);
        Assert.Equal((int)vision["hidden_size"]!, g.VisionWidth);
        Assert.Equal((int)vision["num_hidden_layers"]! + 1 + (int)manifest["vision_feature_layer"]!, g.VisionLayers);
        Assert.Equal((int)manifest["vit_weight_bits"]! == 1, g.VisionTernary);
        Assert.Equal((int)manifest["dims"]!["vocab"]!, g.VocabRows);
        Assert.Equal(((int)manifest["dims"]!["image_size"]!, (int)manifest["dims"]!["patch"]!), (g.ImageSize, g.PatchSize));
        Assert.Equal((8, 7, 2), (g.ChunkLength, g.ActionDim, g.HeadBlocks));
        Assert.Equal((bool)manifest["use_proprio"]! ? 8 : 0, g.ProprioDim);
        Assert.Equal(ModelManifest.LiberoGripper, model.Manifest.GripperConvention);
        var constants = manifest["constants"]!;
        Assert.Equal((int)constants["image_token_idx"]!, model.Manifest.ImageToken);
        Assert.Equal((int)constants["proprio_pad_idx"]!, model.Manifest.ProprioToken);
        Assert.Equal((int)constants["stop_index"]!, model.Manifest.StopToken);
        Assert.Equal((int)constants["bos"]!, model.Manifest.BosToken);
        Assert.False(g.HasLmHead);
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Pack_Golden_StatisticsEqualSource(string golden)
    {
        using var folder = new TempFolder();
        using var model = PackGolden(folder, golden);
        var source = JsonNode.Parse(File.ReadAllText(Repository.Golden(golden, "checkpoint", "dataset_statistics.json")))!.AsObject();
        Assert.Equal(source.Select(p => p.Key), model.Manifest.Statistics.Select(s => s.Name));
        foreach (var statistics in model.Manifest.Statistics)
        {
            var action = source[statistics.Name]!["action"]!;
            Assert.Equal(action["q01"]!.AsArray().Select(v => (double)v!), statistics.ActionQ01);
            Assert.Equal(action["q99"]!.AsArray().Select(v => (double)v!), statistics.ActionQ99);
            Assert.Equal(action["mask"]?.AsArray().Select(v => (bool)v!) ?? Enumerable.Repeat(true, 7), statistics.ActionMask);
            if (model.Manifest.Geometry.ProprioDim > 0)
            {
                Assert.Equal(source[statistics.Name]!["proprio"]!["q99"]!.AsArray().Select(v => (double)v!), statistics.ProprioQ99);
            }
        }
    }

    // Goal: every trit and scale in the file is the quantiser's. Method: decode each row, quantise the source again.
    [Theory]
    [MemberData(nameof(Goldens))]
    public void Pack_Golden_EveryTernaryRowEqualsSourceQuantisedAgain(string golden)
    {
        using var folder = new TempFolder();
        using var model = PackGolden(folder, golden);
        var source = Safetensors.ReadFolder(Repository.Golden(golden, "checkpoint"));
        Assert.True(CompareTernary(model, source) >= 7 * model.Manifest.Geometry.Layers);
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Pack_Golden_DenseAndFloatTensorsEqualSource(string golden)
    {
        using var folder = new TempFolder();
        using var model = PackGolden(folder, golden);
        var g = model.Manifest.Geometry;
        var source = Safetensors.ReadFolder(Repository.Golden(golden, "checkpoint"));
        const string Vision = "vision_tower.vision_model.";
        CompareDense(model, TensorNames.PatchWeight, source[Vision + "embeddings.patch_embedding.weight"], g.PatchValues);
        CompareDense(model, TensorNames.ConnectorWeight1, source["multi_modal_projector.linear_1.weight"], g.VisionWidth);
        CompareFloats(model, TensorNames.VisionPosition, source[Vision + "embeddings.position_embedding.weight"]);
        CompareFloats(model, TensorNames.FinalNorm, source["language_model.model.norm.weight"]);
        for (int i = 0; i < g.VisionLayers; i++)
        {
            string layer = $"{Vision}encoder.layers.{i}.";
            CompareFloats(model, TensorNames.Vision(i, "ln1", "weight"), source[layer + "layer_norm1.weight"]);
            CompareFloats(model, TensorNames.Vision(i, "ln2", "bias"), source[layer + "layer_norm2.bias"]);
            CompareFloats(model, TensorNames.Vision(i, "attn_out", "bias"), source[layer + "self_attn.out_proj.bias"]);
            CompareFloats(
                model,
                TensorNames.Vision(i, "attn_qkv", "bias"),
                source[layer + "self_attn.q_proj.bias"],
                source[layer + "self_attn.k_proj.bias"],
                source[layer + "self_attn.v_proj.bias"]);
            if (!g.VisionTernary)
            {
                CompareDense(model, TensorNames.Vision(i, "ffn_down", "weight"), source[layer + "mlp.fc2.weight"], g.VisionFeedForward);
            }
        }

        var table = source["language_model.model.embed_tokens.weight"];
        Assert.True(table.Bytes.AsSpan().SequenceEqual(new ReadOnlySpan<byte>(model.Data(TensorNames.Embedding), table.Bytes.Length)));
    }

    // The authors cast the projector, stored in fp32, to bf16 when they load it: weights and biases.
    [Fact]
    public void Pack_ProprioProjector_IsRoundedToBFloat16()
    {
        using var folder = new TempFolder();
        using var model = PackGolden(folder, "vla_nano_tight");
        float* bias = model.Floats(TensorNames.ProprioBias1);
        for (int i = 0; i < model.Manifest.Geometry.Width; i++)
        {
            Assert.Equal(0u, BitConverter.SingleToUInt32Bits(bias[i]) & 0xFFFF);
        }
    }

    [Fact]
    public void Pack_Tokenizer_KeepsIdsAndMergesInRankOrder()
    {
        using var folder = new TempFolder();
        using var model = PackGolden(folder, "vla_full224");
        var json = JsonNode.Parse(File.ReadAllText(Repository.Golden("vla_full224", "checkpoint", "tokenizer.json")))!;
        var vocab = json["model"]!["vocab"]!.AsObject();
        foreach (var (token, id) in vocab)
        {
            Assert.Equal((int)id!, model.Tokenizer.Find(System.Text.Encoding.UTF8.GetBytes(token)));
        }

        var merges = json["model"]!["merges"]!.AsArray();
        Assert.Equal(merges.Count, model.Tokenizer.MergeCount);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            string[] parts = ((string)merges[rank]!).Split(' ');
            Assert.Equal(rank, model.Tokenizer.MergeRank((int)vocab[parts[0]]!, (int)vocab[parts[1]]!));
        }

        Assert.Equal(TokenizerContent.AddedType, model.Tokenizer.TokenType(model.Manifest.ImageToken));
        Assert.True(model.Tokenizer.IgnoreMerges);
    }

    [Fact]
    public void Pack_MergesAsPairs_GivesTheSameTokenizer()
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy("vla_nano_tight");
        string path = Path.Combine(checkpoint, "tokenizer.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        var merges = json["model"]!["merges"]!.AsArray();
        json["model"]!["merges"] = new JsonArray(merges.Select(m => (JsonNode)new JsonArray(((string)m!).Split(' ').Select(p => (JsonNode)p).ToArray())).ToArray());
        File.WriteAllText(path, json.ToJsonString());
        Assert.Equal(Id(Repository.Golden("vla_nano_tight", "checkpoint"), folder, "a"), Id(checkpoint, folder, "b"));
    }

    [Fact]
    public void Pack_LoraAdapterSplit_GivesTheSameModel()
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy("vla_sharded_tied");
        string adapter = Path.Combine(checkpoint, "lora_adapter");
        Directory.CreateDirectory(adapter);
        foreach (string file in Directory.GetFiles(checkpoint).Where(f => f.Contains(".safetensors") || Path.GetFileName(f) == "config.json"))
        {
            File.Move(file, Path.Combine(adapter, Path.GetFileName(file)));
        }

        using var split = Open(checkpoint, folder, "split");
        using var flat = Open(Repository.Golden("vla_sharded_tied", "checkpoint"), folder, "flat");
        AssertSameTensors(flat, split);
        Assert.Contains("lora_adapter/config.json", split.Manifest.SourceFiles);
    }

    [Fact]
    public void Pack_TwiceTheSameCheckpoint_GivesTheSameBytes()
    {
        using var folder = new TempFolder();
        string checkpoint = Repository.Golden("vla_nano_tight", "checkpoint");
        Assert.Equal(Id(checkpoint, folder, "a"), Id(checkpoint, folder, "b"));
        Assert.Equal(File.ReadAllBytes(folder.At("a.bitvla")), File.ReadAllBytes(folder.At("b.bitvla")));
    }

    [Fact]
    public void Pack_Fp32CopyOfBf16_GivesTheSameTensors()
    {
        using var folder = new TempFolder();
        string checkpoint = Convert(folder, "vla_single_bf16vit", t => t.AsF32());
        using var wide = Open(checkpoint, folder, "wide");
        using var narrow = Open(Repository.Golden("vla_single_bf16vit", "checkpoint"), folder, "narrow");
        AssertSameTensors(narrow, wide);
    }

    [Fact]
    public void Pack_Fp16Copy_QuantisesItsOwnValues()
    {
        using var folder = new TempFolder();
        string checkpoint = Convert(folder, "vla_nano_tight", t => t.AsF16());
        var summary = TestPacker.Pack(checkpoint, folder.At("m.bitvla"), new PackOptions());
        Assert.Contains(summary.Notes, note => note.Contains("rounded"));
        using var model = PackedModel.Open(summary.Path);
        model.CheckTensors(TestContext.Current.CancellationToken);
        CompareTernary(model, Safetensors.ReadFolder(checkpoint));
    }

    [Fact]
    public void Pack_WithoutActionHead_IsRefusedByName()
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy("vla_nano_tight");
        File.Delete(Path.Combine(checkpoint, "action_head--10000_checkpoint.pt"));
        var refusal = Assert.Throws<ArtifactException>(() => TestPacker.Pack(checkpoint, folder.At("m.bitvla"), new PackOptions()));
        Assert.Equal((ArtifactError.Missing, "action_head--*_checkpoint.pt"), (refusal.Error, refusal.Field));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("vla_nano_tight", "language_model.lm_head.weight")]
    [InlineData("vla_sharded_tied", "language_model.model.embed_tokens.weight")]
    public void Pack_TextWanted_PacksLmHeadUntiedOrTied(string golden, string matrix)
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy(golden);
        File.Delete(Path.Combine(checkpoint, "action_head--10000_checkpoint.pt"));
        File.Delete(Path.Combine(checkpoint, "dataset_statistics.json"));
        TestPacker.Pack(checkpoint, folder.At("m.bitvla"), new PackOptions { WithLmHead = true });
        using var model = PackedModel.Open(folder.At("m.bitvla"));
        var g = model.Manifest.Geometry;
        Assert.Equal((0, 0, 0, true), (g.ChunkLength, g.ActionDim, g.ProprioDim, g.HasLmHead));
        CompareDense(model, TensorNames.LmHead, Safetensors.ReadFolder(checkpoint)[matrix], g.Width);
    }

    [Theory]
    [InlineData("vla_nano_tight", true)]
    [InlineData("vla_sharded_tied", false)]
    public void Pack_WithLmHeadBesideAnActionHead_KeepsOnlyAnUntiedOne(string golden, bool kept)
    {
        using var folder = new TempFolder();
        TestPacker.Pack(Repository.Golden(golden, "checkpoint"), folder.At("m.bitvla"), new PackOptions { WithLmHead = true });
        using var model = PackedModel.Open(folder.At("m.bitvla"));
        Assert.Equal(kept, model.Manifest.Geometry.HasLmHead);
    }

    [Fact]
    public void Pack_Options_AreStored()
    {
        using var folder = new TempFolder();
        var options = new PackOptions
        {
            ChunkLength = 5,
            Cameras = [new("front", true), new("left", false), new("right", false)],
            CenterCrop = false,
            Gripper = ModelManifest.RawGripper,
            Name = "desk",
        };
        TestPacker.Pack(Repository.Golden("vla_nano_tight", "checkpoint"), folder.At("m.bitvla"), options);
        using var model = PackedModel.Open(folder.At("m.bitvla"));
        var m = model.Manifest;
        Assert.Equal((5, false, ModelManifest.RawGripper, "desk"), (m.Geometry.ChunkLength, m.CenterCrop, m.GripperConvention, m.Name));
        Assert.Equal(options.Cameras, m.Geometry.Cameras);
    }

    [Fact]
    public void Pack_OutputExists_IsRefusedUnlessForced()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("m.bitvla"), "old");
        string checkpoint = Repository.Golden("vla_nano_tight", "checkpoint");
        Assert.Throws<ArtifactException>(() => TestPacker.Pack(checkpoint, folder.At("m.bitvla"), new PackOptions()));
        Assert.Equal("old", File.ReadAllText(folder.At("m.bitvla")));
        TestPacker.Pack(checkpoint, folder.At("m.bitvla"), new PackOptions { Overwrite = true });
        using var model = PackedModel.Open(folder.At("m.bitvla"));
    }

    [Fact]
    public void Pack_Cancelled_LeavesNothing()
    {
        using var folder = new TempFolder();
        using var source = new CancellationTokenSource();
        var progress = new CancelAt(source, TensorNames.FinalNorm);
        Assert.Throws<OperationCanceledException>(
            () => CheckpointPacker.Pack(Repository.Golden("vla_nano_tight", "checkpoint"), folder.At("m.bitvla"), new PackOptions(), progress, source.Token));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Pack_Progress_EndsAtTheTotal()
    {
        using var folder = new TempFolder();
        var progress = new CancelAt(null, "");
        CheckpointPacker.Pack(
            Repository.Golden("vla_full224", "checkpoint"), folder.At("m.bitvla"), new PackOptions(), progress, TestContext.Current.CancellationToken);
        Assert.Equal(progress.Last.Total, progress.Last.Done);
    }

    // The real model's widest rows and largest matrices: what streaming holds at once, without a 6 GB file.
    [Fact]
    public void BufferSizes_RealModel_StayBelow16Megabytes()
    {
        static PackStep Step(PackKind kind, int n, int k) => new(kind, "t", null, k,
        [
            new Checkpoint.SourceTensor
            {
                File = "f", Name = "t", Type = Checkpoint.SourceType.BF16, TypeName = "BF16", Shape = [n, k], Elements = (long)n * k, Open = () => Stream.Null,
            },
        ]);
        var sizes = BufferSizes.Of(
        [
            Step(PackKind.Ternary, 2 * 6912, 2560), Step(PackKind.Ternary, 2560, 6912), Step(PackKind.Ternary, 3840, 2560), Step(PackKind.Dense, 2560, 7 * 2560),
            Step(PackKind.Dense, 128264, 2560), Step(PackKind.Embedding, 128264, 2560),
        ]);
        long bytes = sizes.TernaryBytes + 2L * sizes.PanelValues + (4L + 2 + 1) * sizes.RowValues + Checkpoint.TensorReader.BufferBytes;
        output.WriteLine($"{sizes}: {bytes} bytes");
        Assert.InRange(bytes, 1, 16 << 20);
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void DryRun_Golden_IsPackableAndListsDifferences(string golden)
    {
        var run = DryRun.Of(Repository.Golden(golden, "checkpoint"), Options(golden));
        Assert.True(run.IsPackable, string.Join("\n", run.Items.Where(i => i.State == DryRunState.Blocks)));
        Assert.Contains(run.Items, i => i.Subject.StartsWith("vocab_size", StringComparison.Ordinal) && i.State == DryRunState.Differs);
        Assert.Contains(run.Items, i => i.Subject.StartsWith("chat template", StringComparison.Ordinal) && i.State == DryRunState.Agrees);

        // What the readers demand can never differ once they are done: no item that agrees by itself.
        Assert.DoesNotContain(run.Items, i => i.Subject.StartsWith("vision_feature_select_strategy", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Items, i => i.Subject.StartsWith("post-processor", StringComparison.Ordinal));
    }

    [Fact]
    public void DryRun_TwoTensorsMissing_ListsBoth()
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy("vla_nano_tight");
        string path = Path.Combine(checkpoint, "model.safetensors");
        var tensors = Safetensors.Read(path);
        tensors.Remove("language_model.model.norm.weight");
        tensors.Remove("multi_modal_projector.linear_2.bias");
        Safetensors.Write(path, tensors.Values);
        var run = DryRun.Of(checkpoint, new PackOptions());
        Assert.False(run.IsPackable);
        Assert.Equal(2, run.Items.Count(i => i.State == DryRunState.Blocks));
    }

    private static PackOptions Options(string golden) =>
        new() { Cameras = SingleCamera.Contains(golden) ? [new CameraSpec("full", false)] : null };

    private static PackedModel PackGolden(TempFolder folder, string golden)
    {
        TestPacker.Pack(Repository.Golden(golden, "checkpoint"), folder.At("m.bitvla"), Options(golden));
        return PackedModel.Open(folder.At("m.bitvla"));
    }

    private static PackedModel Open(string checkpoint, TempFolder folder, string name)
    {
        TestPacker.Pack(checkpoint, folder.At(name + ".bitvla"), new PackOptions { Name = "same" });
        return PackedModel.Open(folder.At(name + ".bitvla"));
    }

    private static string Id(string checkpoint, TempFolder folder, string name) =>
        TestPacker.Pack(checkpoint, folder.At(name + ".bitvla"), new PackOptions { Name = "same" }).ModelId;

    private static string Convert(TempFolder folder, string golden, Func<MemoryTensor, MemoryTensor> change)
    {
        string checkpoint = folder.Copy(golden);
        string path = Path.Combine(checkpoint, "model.safetensors");
        Safetensors.Write(path, Safetensors.Read(path).Values.Select(change).ToArray());
        return checkpoint;
    }

    private static void AssertSameTensors(PackedModel expected, PackedModel actual)
    {
        Assert.Equal(expected.Document.Tensors.Select(t => t.Name), actual.Document.Tensors.Select(t => t.Name));
        foreach (var tensor in expected.Document.Tensors)
        {
            var other = actual.Tensor(tensor.Name);
            Assert.True(expected.Bytes(tensor, 0, (int)tensor.Bytes).SequenceEqual(actual.Bytes(other, 0, (int)other.Bytes)), tensor.Name);
        }
    }

    private static int CompareTernary(PackedModel model, Dictionary<string, MemoryTensor> source)
    {
        var g = model.Manifest.Geometry;
        int matrices = 0;
        for (int i = 0; i < g.Layers; i++)
        {
            string from = $"language_model.model.layers.{i}.";
            void Check(string part, int k, params string[] names) =>
                matrices += CompareTernary(model, TensorNames.Decoder(i, part, "weight"), TensorNames.Decoder(i, part, "scale"), k, names.Select(n => source[$"{from}{n}.weight"]).ToArray());
            Check("attn_qkv", g.Width, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
            Check("attn_output", g.Width, "self_attn.o_proj");
            Check("ffn_gate_up", g.Width, "mlp.gate_proj", "mlp.up_proj");
            Check("ffn_down", g.FeedForward, "mlp.down_proj");
        }

        for (int i = 0; g.VisionTernary && i < g.VisionLayers; i++)
        {
            string from = $"vision_tower.vision_model.encoder.layers.{i}.";
            void Check(string part, int k, params string[] names) =>
                matrices += CompareTernary(model, TensorNames.Vision(i, part, "weight"), TensorNames.Vision(i, part, "scale"), k, names.Select(n => source[$"{from}{n}.weight"]).ToArray());
            Check("attn_qkv", g.VisionWidth, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
            Check("attn_out", g.VisionWidth, "self_attn.out_proj");
            Check("ffn_up", g.VisionWidth, "mlp.fc1");
            Check("ffn_down", g.VisionFeedForward, "mlp.fc2");
        }

        return matrices;
    }

    // Quantised again by the paper's steps in double, not by the class under test.
    private static int CompareTernary(PackedModel model, string name, string scaleName, int k, MemoryTensor[] sources)
    {
        var tensor = model.Tensor(name);
        var codes = model.Bytes(tensor, 0, (int)tensor.Bytes);
        int rows = sources.Sum(s => (int)s.Shape[0]);
        sbyte[] trits = new sbyte[k];
        int row = 0;
        for (int s = 0; s < sources.Length; s++)
        {
            float[] weights = sources[s].Floats();
            float mean = (float)(weights.Sum(w => Math.Abs((double)w)) / weights.Length);
            float scale = 1 / Math.Max(mean, 1e-5f);
            Assert.Equal(1 / scale, model.Floats(scaleName)[s]);
            for (int r = 0; r < (int)sources[s].Shape[0]; r++, row++)
            {
                TernaryLayout.DecodeRow(codes, row, rows, trits);
                for (int c = 0; c < k; c++)
                {
                    int expected = (int)Math.Clamp(MathF.Round(weights[r * k + c] * scale, MidpointRounding.ToEven), -1, 1);
                    if (expected != trits[c])
                    {
                        Assert.Fail($"{sources[s].Name} [{r}, {c}]: expected {expected}, found {trits[c]}");
                    }
                }
            }
        }

        return sources.Length;
    }

    private static void CompareDense(PackedModel model, string name, MemoryTensor source, int k)
    {
        var tensor = model.Tensor(name);
        var panels = MemoryMarshal.Cast<byte, ushort>(model.Bytes(tensor, 0, (int)tensor.Bytes));
        ushort[] row = new ushort[k];
        var bits = MemoryMarshal.Cast<byte, ushort>(source.Bytes);
        for (int n = 0; n < (int)source.Shape[0]; n++)
        {
            DenseLayout.DecodeRow(panels, n, row);
            Assert.True(bits.Slice(n * k, k).SequenceEqual(row), $"{name} row {n}");
        }
    }

    private static void CompareFloats(PackedModel model, string name, params MemoryTensor[] sources)
    {
        float[] expected = sources.SelectMany(s => s.Floats()).ToArray();
        Assert.True(expected.AsSpan().SequenceEqual(new ReadOnlySpan<float>(model.Floats(name), expected.Length)), name);
    }

    private sealed class CancelAt(CancellationTokenSource? source, string tensor) : IProgress<(string Tensor, long Done, long Total)>
    {
        public (string Tensor, long Done, long Total) Last { get; private set; }

        public void Report((string Tensor, long Done, long Total) value)
        {
            Last = value;
            if (value.Tensor == tensor)
            {
                source?.Cancel();
            }
        }
    }
}
