using System.Buffers.Binary;
using System.Text.Json.Nodes;
using BitVla.Format;
using BitVla.Packing.Checkpoint;

namespace BitVla.Packing.Tests;

/// <summary>Damaged, foreign and hostile checkpoints: each the typed error, nothing large allocated, no file left behind.</summary>
public sealed class HostileInputTests
{
    // Far above what reading a small checkpoint costs, far below any size a hostile file claims.
    private const long MaxAllocatedBytes = 64 << 20;

    private const string Weights = "model.safetensors";
    private const string Head = "action_head--10000_checkpoint.pt";
    private const string Norm = "language_model.model.norm.weight";

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("__builtin__", "getattr")]
    [InlineData("torch._utils", "_rebuild_parameter")]
    [InlineData("torch", "DoubleStorage")]
    [InlineData("collections", "defaultdict")]
    public void Pack_PickleNamesAnythingElse_IsUnsafePickle(string module, string name) =>
        AssertPickle(ArtifactError.UnsafePickle, new Pickle().Global(module, name).Op("(").Text("touch /tmp/pwned").Op("tR").End("."));

    public static TheoryData<string, ArtifactError> PickleCases => new()
    {
        { "inst", ArtifactError.UnsafePickle },
        { "reduce on a string", ArtifactError.UnsafePickle },
        { "storage called", ArtifactError.UnsafePickle },
        { "build with other state", ArtifactError.UnsafePickle },
        { "persistent id of another kind", ArtifactError.UnsafePickle },
        { "ordered dict with arguments", ArtifactError.UnsafePickle },
        { "list", ArtifactError.UnsafePickle },
        { "deep marks", ArtifactError.LimitExceeded },
        { "deep tuples", ArtifactError.LimitExceeded },
        { "memo bomb", ArtifactError.LimitExceeded },
        { "huge LONG4", ArtifactError.LimitExceeded },
        { "huge LONG1", ArtifactError.LimitExceeded },
        { "huge text", ArtifactError.LimitExceeded },
        { "text past the end", ArtifactError.Truncated },
        { "no end", ArtifactError.Truncated },
        { "trailing bytes", ArtifactError.Malformed },
        { "empty stack", ArtifactError.Malformed },
        { "unknown memo", ArtifactError.Malformed },
        { "bad UTF-8", ArtifactError.Malformed },
        { "protocol 4", ArtifactError.UnsupportedVersion },
        { "not a pickle", ArtifactError.BadMagic },
        { "duplicate name", ArtifactError.Duplicate },
        { "duplicate after stripping", ArtifactError.Duplicate },
        { "not a tensor", ArtifactError.WrongType },
        { "a tensor alone", ArtifactError.WrongType },
        { "shape beyond the storage", ArtifactError.BadOffset },
        { "offset beyond the storage", ArtifactError.BadOffset },
        { "negative size", ArtifactError.BadOffset },
        { "strides of a transpose", ArtifactError.Unsupported },
        { "storage key with a path", ArtifactError.InvalidValue },
        { "storage missing", ArtifactError.Missing },
        { "storage of another length", ArtifactError.Contradiction },
    };

    [Theory]
    [MemberData(nameof(PickleCases))]
    public void Pack_HostilePickle_GivesTypedError(string what, ArtifactError expected)
    {
        byte[] pickle = what switch
        {
            "inst" => new Pickle().Op("(ios\nsystem\n.").End(""),
            "reduce on a string" => new Pickle().Text("os.system").Op(")R").End("."),
            "storage called" => new Pickle().Global("torch", "FloatStorage").Op(")R").End("."),
            "build with other state" => new Pickle().Begin().Op("u}").Text("__class__").Int(1).Op("sb").End("."),
            "persistent id of another kind" => new Pickle().Op("(").Text("module").Int(1).Op("tQ").End("."),
            "ordered dict with arguments" => new Pickle().Global("collections", "OrderedDict").Op("(").Int(1).Op("tR").End("."),
            "list" => new Pickle().Op("]").End("."),
            "deep marks" => new Pickle().Raw(Enumerable.Repeat((byte)'(', 500_000).ToArray()).End("."),
            "deep tuples" => new Pickle().Op(")").Raw(Enumerable.Repeat((byte)0x85, 500_000).ToArray()).End("."),
            "memo bomb" => Bomb(),
            "huge LONG4" => new Pickle().Raw(0x8b, 0xff, 0xff, 0xff, 0x7f).End("."),
            "huge LONG1" => new Pickle().Raw(0x8a, 0xff).Raw(new byte[255]).End("."),
            "huge text" => new Pickle().Raw((byte)'X', 0xff, 0xff, 0xff, 0xff).End("."),
            "text past the end" => new Pickle().Raw((byte)'X', 100, 0, 0, 0).End("."),
            "no end" => new Pickle().Begin().End(""),
            "trailing bytes" => new Pickle().Begin().End("u.."),
            "empty stack" => new Pickle().End("."),
            "unknown memo" => new Pickle().Op("h\x07").End("."),
            "bad UTF-8" => new Pickle().Raw((byte)'X', 1, 0, 0, 0, 0xff).End("."),
            "protocol 4" => [0x80, 4, (byte)'.'],
            "not a pickle" => "torch"u8.ToArray(),
            "duplicate name" => new Pickle().Begin().Tensor("a", "0", 4, [4], [1]).Tensor("a", "0", 4, [4], [1]).End(),
            "duplicate after stripping" => new Pickle().Begin().Tensor("a", "0", 4, [4], [1]).Tensor("module.a", "0", 4, [4], [1]).End(),
            "not a tensor" => new Pickle().Begin().Text("a").Int(1).End(),
            "a tensor alone" => new Pickle().Tensor("a", "0", 4, [4], [1]).End("\x86."),
            "shape beyond the storage" => new Pickle().Begin().Tensor("a", "0", 4, [5], [1]).End(),
            "offset beyond the storage" => new Pickle().Begin().Tensor("a", "0", 4, [4], [1], offset: 1).End(),
            "negative size" => new Pickle().Begin().Tensor("a", "0", 4, [-1, -4], [-4, 1]).End(),
            "strides of a transpose" => new Pickle().Begin().Tensor("a", "0", 4, [2, 2], [1, 2]).End(),
            "storage key with a path" => new Pickle().Begin().Tensor("a", "../x", 4, [4], [1]).End(),
            "storage missing" => new Pickle().Begin().Tensor("a", "7", 4, [4], [1]).End(),
            "storage of another length" => new Pickle().Begin().Tensor("a", "0", 5, [4], [1]).End(),
            _ => throw new ArgumentException(what),
        };
        AssertPickle(expected, pickle);
    }

    public static TheoryData<string, string, ArtifactError> HeaderCases => new()
    {
        { "overlap", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", ArtifactError.BadOffset },
        { "gap", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", ArtifactError.BadOffset },
        { "bytes at the end", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", ArtifactError.BadOffset },
        { "reversed", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}""", ArtifactError.BadOffset },
        { "past the file", """{"a":{"dtype":"F32","shape":[250],"data_offsets":[0,1000]}}""", ArtifactError.Truncated },
        { "2^60 bytes", """{"a":{"dtype":"U8","shape":[1152921504606846976],"data_offsets":[0,1152921504606846976]}}""", ArtifactError.InvalidValue },
        { "sizes that overflow", """{"a":{"dtype":"F32","shape":[65536,65536,65536,65536],"data_offsets":[0,12]}}""", ArtifactError.Contradiction },
        { "negative size", """{"a":{"dtype":"F32","shape":[-3],"data_offsets":[0,12]}}""", ArtifactError.InvalidValue },
        { "shape of another length", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}}""", ArtifactError.Contradiction },
        { "duplicate key", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", ArtifactError.Duplicate },
        { "no offsets", """{"a":{"dtype":"F32","shape":[3]}}""", ArtifactError.Missing },
        { "a list", """["a"]""", ArtifactError.BadMagic },
        { "half a header", """{"a":{"dtype":""", ArtifactError.Malformed },
        { "lone surrogate", """{"\ud800":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", ArtifactError.Malformed },
        { "deep nesting", "{\"a\":" + new string('[', 1000) + new string(']', 1000) + "}", ArtifactError.Malformed },
    };

    [Theory]
    [MemberData(nameof(HeaderCases))]
    public void Pack_HostileSafetensorsHeader_GivesTypedError(string what, string header, ArtifactError expected)
    {
        Assert.NotEmpty(what);
        AssertRefused(expected, null, checkpoint => Safetensors.WriteRaw(Path.Combine(checkpoint, Weights), header, new byte[12]));
    }

    [Theory]
    [InlineData(1UL << 60, ArtifactError.LimitExceeded)]
    [InlineData(ulong.MaxValue, ArtifactError.LimitExceeded)]
    [InlineData(1UL << 20, ArtifactError.Truncated)]
    [InlineData(0UL, ArtifactError.BadMagic)]
    public void Pack_HeaderLengthClaim_IsHeldAgainstTheFile(ulong announced, ArtifactError expected) =>
        AssertRefused(expected, null, checkpoint => Safetensors.WriteRaw(Path.Combine(checkpoint, Weights), "{}", new byte[100], announced));

    [Theory]
    [InlineData(7)]
    [InlineData(4000)]
    [InlineData(100_000)]
    [InlineData(400_000)]
    public void Pack_TruncatedShard_IsTruncated(int length) => AssertRefused(ArtifactError.Truncated, null, checkpoint => Cut(Path.Combine(checkpoint, Weights), length));

    [Theory]
    [InlineData(0, ArtifactError.Truncated)]
    [InlineData(1000, ArtifactError.Truncated)]
    [InlineData(80_000, ArtifactError.Truncated)]
    public void Pack_TruncatedHead_GivesTypedError(int length, ArtifactError expected) => AssertRefused(expected, null, checkpoint => Cut(Path.Combine(checkpoint, Head), length));

    [Fact]
    public void Pack_FlippedBitInHeadWeights_IsChecksumMismatch() =>
        AssertRefused(ArtifactError.ChecksumMismatch, null, checkpoint => Flip(Path.Combine(checkpoint, Head), 40_000));

    [Fact]
    public void Pack_HeadIsAnotherKindOfFile_IsBadMagic() =>
        AssertRefused(ArtifactError.BadMagic, null, checkpoint => File.WriteAllText(Path.Combine(checkpoint, Head), new string('x', 4096)));

    [Theory]
    [InlineData(0x7FC0)]
    [InlineData(0x7F80)]
    [InlineData(0xFF80)]
    public void Pack_NonFiniteWeight_NamesTensorAndIndex(int bits)
    {
        foreach (string name in new[]
        {
            Norm, "language_model.model.layers.1.mlp.up_proj.weight", "language_model.model.embed_tokens.weight", "multi_modal_projector.linear_1.weight",
        })
        {
            var refusal = AssertRefused(ArtifactError.NonFinite, name, checkpoint => Edit(checkpoint, tensors =>
                BinaryPrimitives.WriteUInt16LittleEndian(tensors[name].Bytes.AsSpan(2 * 37), (ushort)bits)));
            Assert.Contains("index 37", refusal.Found);
        }
    }

    [Fact]
    public void Pack_TensorMissing_NamesIt() => AssertRefused(ArtifactError.Missing, Norm, checkpoint => Edit(checkpoint, tensors => tensors.Remove(Norm)));

    [Fact]
    public void Pack_TensorOfWrongShape_NamesBoth()
    {
        var refusal = AssertRefused(ArtifactError.WrongShape, Norm, checkpoint => Edit(checkpoint, tensors => tensors[Norm] = tensors[Norm] with { Shape = [8, 8] }));
        Assert.Equal(("[64]", "[8, 8]"), (refusal.Expected, refusal.Found));
    }

    [Fact]
    public void Pack_TensorOfIntegers_IsWrongType() =>
        AssertRefused(ArtifactError.WrongType, Norm, checkpoint => Edit(checkpoint, tensors => tensors[Norm] = tensors[Norm] with { Type = "I16" }));

    [Fact]
    public void Pack_LayerBeyondTheConfiguration_IsContradiction() => AssertRefused(
        ArtifactError.Contradiction,
        "language_model.model.layers.2.input_layernorm.weight",
        checkpoint => Edit(checkpoint, tensors =>
            tensors.Add("language_model.model.layers.2.input_layernorm.weight", tensors[Norm] with { Name = "language_model.model.layers.2.input_layernorm.weight" })));

    [Theory]
    [InlineData("../evil.safetensors", ArtifactError.InvalidValue)]
    [InlineData("/etc/evil.safetensors", ArtifactError.InvalidValue)]
    [InlineData("a\\b.safetensors", ArtifactError.InvalidValue)]
    [InlineData(".safetensors", ArtifactError.InvalidValue)]
    [InlineData("config.json", ArtifactError.InvalidValue)]
    [InlineData("model-00000-of-00003.safetensors", ArtifactError.Missing)]
    [InlineData("model-00002-of-00003.safetensors", ArtifactError.Contradiction)]
    public void Pack_IndexNamesAnotherFile_GivesTypedError(string shard, ArtifactError expected) => AssertRefused(
        expected,
        null,
        checkpoint => EditJson(checkpoint, "model.safetensors.index.json", index => index["weight_map"]![Norm] = shard),
        "vla_sharded_tied");

    [Fact]
    public void Pack_IndexForgetsATensor_IsContradiction() => AssertRefused(
        ArtifactError.Contradiction, Norm, checkpoint => EditJson(checkpoint, "model.safetensors.index.json", index => index["weight_map"]!.AsObject().Remove(Norm)), "vla_sharded_tied");

    [Fact]
    public void Pack_IndexNamesATensorThatIsNowhere_IsMissing() => AssertRefused(
        ArtifactError.Missing,
        "ghost",
        checkpoint => EditJson(checkpoint, "model.safetensors.index.json", index => index["weight_map"]!["ghost"] = "model-00002-of-00003.safetensors"),
        "vla_sharded_tied");

    [Fact]
    public void Pack_TwoActionHeads_IsDuplicate() => AssertRefused(
        ArtifactError.Duplicate, null, checkpoint => File.Copy(Path.Combine(checkpoint, Head), Path.Combine(checkpoint, "action_head--latest_checkpoint.pt")));

    [Fact]
    public void Pack_SingleFileBesideIndex_IsContradiction() => AssertRefused(
        ArtifactError.Contradiction, null, checkpoint => File.WriteAllText(Path.Combine(checkpoint, "model.safetensors.index.json"), "{}"));

    [Theory]
    [InlineData("config.json", "vision_feature_select_strategy", "\"default\"", ArtifactError.Unsupported)]
    [InlineData("config.json", "multimodal_projector_bias", "false", ArtifactError.Unsupported)]
    [InlineData("config.json", "vision_feature_layer", "0", ArtifactError.Unsupported)]
    [InlineData("config.json", "vision_feature_layer", "[-1]", ArtifactError.WrongType)]
    [InlineData("config.json", "vocab_size", "7", ArtifactError.Contradiction)]
    [InlineData("config.json", "text_config.attention_bias", "true", ArtifactError.Unsupported)]
    [InlineData("config.json", "text_config.model_type", "\"llama\"", ArtifactError.Unsupported)]
    [InlineData("config.json", "text_config.num_attention_heads", "3", ArtifactError.Contradiction)]
    [InlineData("config.json", "text_config.num_key_value_heads", "null", ArtifactError.WrongShape)]
    [InlineData("config.json", "text_config.hidden_size", "1e30", ArtifactError.InvalidValue)]
    [InlineData("config.json", "text_config.rms_norm_eps", "1e999", ArtifactError.NonFinite)]
    [InlineData("config.json", "vision_config.vit_weight_bits", "2", ArtifactError.Unsupported)]
    [InlineData("config.json", "vision_config.vit_act_bits", "32", ArtifactError.Unsupported)]
    [InlineData("preprocessor_config.json", "size.height", "384", ArtifactError.Contradiction)]
    [InlineData("preprocessor_config.json", "resample", "2", ArtifactError.Unsupported)]
    [InlineData("preprocessor_config.json", "image_std", "[0.5,0.5]", ArtifactError.WrongShape)]
    [InlineData("processor_config.json", "patch_size", "16", ArtifactError.Contradiction)]
    [InlineData("tokenizer.json", "normalizer", "{\"type\":\"NFC\"}", ArtifactError.Unsupported)]
    [InlineData("tokenizer.json", "post_processor", "{\"type\":\"ByteLevel\"}", ArtifactError.Unsupported)]
    [InlineData("tokenizer.json", "model.merges", "[\"Ġ qq\"]", ArtifactError.Missing)]
    [InlineData("tokenizer.json", "model.merges", "[\"Ġ t\",\"Ġ t\"]", ArtifactError.Duplicate)]
    [InlineData("tokenizer.json", "model.merges", "[\"Ġ t x\"]", ArtifactError.Malformed)]
    [InlineData("tokenizer.json", "model.vocab.!", "4000000000", ArtifactError.InvalidValue)]
    [InlineData("tokenizer.json", "model.vocab.!", "5", ArtifactError.Contradiction)]
    [InlineData("tokenizer.json", "added_tokens", "[]", ArtifactError.Contradiction)]
    [InlineData("dataset_statistics.json", "libero_spatial_no_noops.action.q01", "[1,2]", ArtifactError.Missing)]
    [InlineData("dataset_statistics.json", "libero_spatial_no_noops.action.q99", "[-9,-9,-9,-9,-9,-9,-9]", ArtifactError.Contradiction)]
    [InlineData("dataset_statistics.json", "libero_spatial_no_noops.proprio.q01", "[1]", ArtifactError.WrongShape)]
    [InlineData("dataset_statistics.json", "libero_spatial_no_noops.action.mask", "[1,1,1,1,1,1,0]", ArtifactError.WrongType)]
    public void Pack_ConfigurationSaysOtherwise_GivesTypedError(string file, string path, string value, ArtifactError expected) =>
        AssertRefused(expected, null, checkpoint => EditJson(checkpoint, file, root =>
        {
            string[] names = path.Split('.');
            var parent = names[..^1].Aggregate(root, (node, name) => node[name]!);
            parent[names[^1]] = JsonNode.Parse(value);
        }));

    // Masked out as the last action is: bounds that are no quantiles tell of a damaged file wherever they stand.
    [Theory]
    [InlineData("action", 0, -1.7e308, 1.7e308)]
    [InlineData("action", 6, 1, -1)]
    [InlineData("proprio", 2, -1.7e308, 1.7e308)]
    public void Pack_BoundsThatAreNoQuantiles_NamesKeyAndIndex(string what, int index, double low, double high)
    {
        var refusal = AssertRefused(ArtifactError.Contradiction, $"libero_spatial_no_noops.{what}.q01", checkpoint =>
            EditJson(checkpoint, "dataset_statistics.json", root =>
            {
                var bounds = root["libero_spatial_no_noops"]![what]!;
                bounds["q01"]![index] = low;
                bounds["q99"]![index] = high;
            }));
        Assert.Contains($"index {index}", refusal.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("dataset_statistics.json")]
    public void Pack_DuplicateJsonKey_IsDuplicate(string file) => AssertRefused(ArtifactError.Duplicate, null, checkpoint =>
    {
        string path = Path.Combine(checkpoint, file);
        File.WriteAllText(path, "{\"x\":1,\"x\":2," + File.ReadAllText(path).TrimStart()[1..]);
    });

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("preprocessor_config.json")]
    [InlineData("processor_config.json")]
    [InlineData("dataset_statistics.json")]
    public void Pack_FileMissing_NamesIt(string file) => AssertRefused(ArtifactError.Missing, file, checkpoint => File.Delete(Path.Combine(checkpoint, file)));

    [Fact]
    public void Pack_ConfigurationOf100Megabytes_IsNotRead() => AssertRefused(ArtifactError.LimitExceeded, null, checkpoint =>
    {
        using var file = File.OpenWrite(Path.Combine(checkpoint, "config.json"));
        file.SetLength(100 << 20);
    });

    // A megabyte of deflated zeros claims to be a storage of a gigabyte and more: no more than its claim is inflated, piece by piece.
    [Fact]
    public void Pack_ZipMemberClaimsMoreThanDeflateCanHold_IsLimitExceeded() => AssertRefused(ArtifactError.LimitExceeded, null, checkpoint =>
    {
        string path = Path.Combine(checkpoint, Head);
        Pickle.Archive(path, new Pickle().Begin().Tensor("a", "0", 1 << 28, [1 << 28], [1]).End(), ("data/0", new byte[4096]));
        byte[] zip = File.ReadAllBytes(path);
        int central = zip.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(central + 24), 1u << 30);
        File.WriteAllBytes(path, zip);
    });

    [Fact]
    public void Pack_DeflatedArchive_GivesTheSameTensors()
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy("vla_nano_tight");
        string plain = TestPacker.Pack(checkpoint, folder.At("a.bitvla"), new PackOptions { Name = "n" }).ModelId;
        string path = Path.Combine(checkpoint, Head);
        var members = new List<(string, byte[])>();
        using (var zip = new System.IO.Compression.ZipArchive(File.OpenRead(path)))
        {
            foreach (var entry in zip.Entries)
            {
                using var stream = entry.Open();
                var copy = new MemoryStream();
                stream.CopyTo(copy);
                members.Add((entry.FullName[(entry.FullName.IndexOf('/') + 1)..], copy.ToArray()));
            }
        }

        Pickle.Archive(path, members.Single(m => m.Item1 == "data.pkl").Item2, members.Where(m => m.Item1 != "data.pkl").ToArray());
        Assert.Equal(plain, TestPacker.Pack(checkpoint, folder.At("b.bitvla"), new PackOptions { Name = "n" }).ModelId);
    }

    [Fact]
    public void RestrictedUnpickler_StateDictWithMetadata_ListsItsTensors()
    {
        byte[] pickle = new Pickle().Begin().Tensor("a", "0", 6, [2, 2], [2, 1], offset: 2).Op("u}").Text("_metadata").Begin().Op("usb").End(".");
        var (name, tensor) = Assert.Single(RestrictedUnpickler.Load(pickle, "f"));
        Assert.Equal(("a", "0", 6, 2), (name, tensor.StorageKey, tensor.StorageElements, tensor.Offset));
        Assert.Equal([2, 2], tensor.Shape);
    }

    private static byte[] Bomb()
    {
        // Each round a tuple of the last one twice: 2^n leaves if anyone walked it, and more rounds than the limit.
        var pickle = new Pickle().Op(")q\x00");
        for (int i = 0; i < 60_000; i++)
        {
            pickle.Op("h\x00h\x00\x86q\x00");
        }

        return pickle.End(".");
    }

    private static void AssertPickle(ArtifactError expected, byte[] pickle) =>
        AssertRefused(expected, null, checkpoint => Pickle.Archive(Path.Combine(checkpoint, Head), pickle, ("data/0", new byte[16])));

    private static ArtifactException AssertRefused(ArtifactError expected, string? field, Action<string> damage, string golden = "vla_nano_tight")
    {
        using var folder = new TempFolder();
        string checkpoint = folder.Copy(golden);
        damage(checkpoint);
        string output = folder.At("m.bitvla");
        long before = GC.GetTotalAllocatedBytes(precise: true);
        var refusal = Assert.Throws<ArtifactException>(() => TestPacker.Pack(checkpoint, output, new PackOptions()));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, MaxAllocatedBytes);
        Assert.Equal(expected, refusal.Error);
        Assert.NotEmpty(refusal.File);
        Assert.NotEmpty(refusal.Expected);
        Assert.NotEmpty(refusal.Found);
        if (field is not null)
        {
            Assert.Equal(field, refusal.Field);
        }

        Assert.Empty(Directory.GetFiles(folder.Path));
        return refusal;
    }

    private static void Cut(string path, int length)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(length);
    }

    private static void Flip(string path, int at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void Edit(string checkpoint, Action<Dictionary<string, MemoryTensor>> change)
    {
        string path = Path.Combine(checkpoint, Weights);
        var tensors = Safetensors.Read(path);
        change(tensors);
        Safetensors.Write(path, tensors.Values);
    }

    private static void EditJson(string checkpoint, string file, Action<JsonNode> change)
    {
        string path = Path.Combine(checkpoint, file);
        var root = JsonNode.Parse(File.ReadAllText(path))!;
        change(root);
        File.WriteAllText(path, root.ToJsonString());
    }
}
