using System.Runtime.InteropServices;
using System.Text.Json;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;
using BitVla.Packing.Synth;
using BitVla.TestKit;

namespace BitVla.Packing.Tests.Tools;

/// <summary>inspect, verify and extract on sound and damaged files.</summary>
public sealed class ToolTests
{
    private static readonly PackedFileSurgeon Surgeon = new(SmallModels.Write(SmallModels.Minimal, 11));

    // Goal: no bit of tensor data can flip unnoticed, and the tensor is named. Method: seeded flips, checksums left as they were.
    [Fact]
    public void Verify_FlippedBit_NamesTheTensor()
    {
        var random = new Random(20250101);
        for (int round = 0; round < 300; round++)
        {
            var tensor = Surgeon.Tensors[random.Next(Surgeon.Tensors.Count)];
            byte[] file = Surgeon.Copy();
            file[tensor.Offset + random.NextInt64(tensor.Bytes)] ^= (byte)(1 << random.Next(8));
            var failure = Assert.Single(MemoryModel.Verify(file, all: false));

            // A damaged row checksum cannot be told from a damaged row, but its own tensor's checksum comes first.
            Assert.StartsWith(tensor.Name, failure.Field, StringComparison.Ordinal);
            Assert.InRange(failure.Offset!.Value, tensor.Offset, tensor.Offset + tensor.Bytes);
        }
    }

    [Fact]
    public void Verify_FlippedDirectoryBit_IsRefused()
    {
        var random = new Random(20250102);
        for (int round = 0; round < 300; round++)
        {
            byte[] file = Surgeon.Copy();
            file[random.Next(Surgeon.DataStart)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<ArtifactException>(() => MemoryModel.Verify(file, all: false));
        }
    }

    [Fact]
    public void Verify_DirtyGap_NamesTheTensorBeforeIt()
    {
        for (int i = 0; i + 1 < Surgeon.Tensors.Count; i++)
        {
            long end = Surgeon.Tensors[i].Offset + Surgeon.Tensors[i].Bytes;
            if (end == Surgeon.Tensors[i + 1].Offset)
            {
                continue;
            }

            byte[] file = Surgeon.Copy();
            file[end] = 1;
            var failure = Assert.Single(MemoryModel.Verify(file, all: true));
            Assert.Equal((ArtifactError.DirtyPadding, $"gap after {Surgeon.Tensors[i].Name}", end), (failure.Error, failure.Field, failure.Offset));
        }
    }

    [Fact]
    public void Verify_DirtyPaddingAfterTheDirectory_IsFound()
    {
        byte[] file = Surgeon.Copy();
        Assert.NotEqual(0, Surgeon.DataStart % 64 == 0 ? file[Surgeon.DataStart - 1] + 1 : 1);
        file[Surgeon.DataStart - 1] = 7;
        Surgeon.ResealDirectory(file);
        var failure = Assert.Single(MemoryModel.Verify(file, all: true));
        Assert.Equal((ArtifactError.DirtyPadding, Surgeon.DataStart - 1L), (failure.Error, failure.Offset));
    }

    [Theory]
    [InlineData("v.blk.0.ffn_down.weight", 37)]
    [InlineData("blk.0.ffn_down.weight", 42)]
    [InlineData("blk.0.attn_qkv.weight", 8)]
    public void Verify_WeightInPaddingChannelResealed_IsFound(string name, int k)
    {
        var tensor = Surgeon.Tensor(name);
        int n = (int)tensor.Dimensions[1];

        // Row 3's code of the first padding channel: its digit goes from 1 to 2.
        int digit = k % 4;
        int at = k / 32 * n * 8 + 3 * 8 + k % 32 / 4;
        byte[] file = Surgeon.Copy();
        file[tensor.Offset + at] += (byte)(digit switch { 0 => 1, 1 => 3, 2 => 9, _ => 27 });
        Surgeon.Reseal(file);
        var failure = Assert.Single(MemoryModel.Verify(file, all: true));
        Assert.Equal((ArtifactError.DirtyPadding, name, tensor.Offset + at), (failure.Error, failure.Field, failure.Offset));
    }

    [Fact]
    public void Verify_ValueInPaddingOutputResealed_IsFound()
    {
        var tensor = Surgeon.Tensor(TensorNames.HeadWeight2);
        byte[] file = Surgeon.Copy();
        file[tensor.Offset + 2 * 3] = 1;
        Surgeon.Reseal(file);
        var failure = Assert.Single(MemoryModel.Verify(file, all: true));
        Assert.Equal((ArtifactError.DirtyPadding, tensor.Name, tensor.Offset + 6), (failure.Error, failure.Field, failure.Offset));
    }

    [Fact]
    public void Verify_IllegalCodeResealed_IsFound()
    {
        var tensor = Surgeon.Tensor("blk.0.attn_qkv.weight");
        byte[] file = Surgeon.Copy();
        file[tensor.Offset + 8] = 81;
        Surgeon.Reseal(file);
        Assert.Contains(MemoryModel.Verify(file, all: true), f => f.Error == ArtifactError.IllegalCode && f.Offset == tensor.Offset + 8);
    }

    [Theory]
    [InlineData("blk.0.attn_qkv.scale", 0f, ArtifactError.InvalidValue)]
    [InlineData("blk.0.attn_qkv.scale", -1f, ArtifactError.InvalidValue)]
    [InlineData("blk.0.attn_qkv.scale", float.NaN, ArtifactError.NonFinite)]
    [InlineData("output_norm.weight", float.PositiveInfinity, ArtifactError.NonFinite)]
    public void Verify_BadFloatResealed_IsFound(string name, float value, ArtifactError error)
    {
        var tensor = Surgeon.Tensor(name);
        byte[] file = Surgeon.Copy();
        MemoryMarshal.Write(file.AsSpan((int)tensor.Offset + 4), value);
        Surgeon.Reseal(file);
        var failure = Assert.Single(MemoryModel.Verify(file, all: true));
        Assert.Equal((error, name, tensor.Offset + 4), (failure.Error, failure.Field, failure.Offset));
    }

    [Fact]
    public void Verify_InfiniteEmbeddingResealed_IsFound()
    {
        var tensor = Surgeon.Tensor(TensorNames.Embedding);
        byte[] file = Surgeon.Copy();
        MemoryMarshal.Write(file.AsSpan((int)tensor.Offset + 100), (ushort)0x7F80);
        Surgeon.Reseal(file);

        // Byte 100 of rows of 16 bytes. The row and then the tensor are looked at, for the engine does either.
        var failures = MemoryModel.Verify(file, all: true);
        Assert.Equal([$"{TensorNames.Embedding} row 6", TensorNames.Embedding], failures.Select(f => f.Field));
        Assert.All(failures, f => Assert.Equal((ArtifactError.NonFinite, tensor.Offset + 100), (f.Error, f.Offset)));
    }

    [Fact]
    public void Verify_AllOnTwoDamagedTensors_ListsBoth()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Surgeon.Copy();
        bytes[Surgeon.Tensor("mm.0.weight").Offset] ^= 1;
        bytes[Surgeon.Tensor("action.fc1.bias").Offset] ^= 1;
        File.WriteAllBytes(folder.File("bad"), bytes);
        var (exit, output, _) = Tool.Run("verify", folder.File("bad"), "--all", "--json");
        Assert.Equal(3, exit);
        using var json = JsonDocument.Parse(output);
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        var fields = json.RootElement.GetProperty("failures").EnumerateArray().Select(f => f.GetProperty("field").GetString()).Distinct();
        Assert.Equal(["mm.0.weight", "action.fc1.bias"], fields);
    }

    [Fact]
    public void Verify_MissingFile_ExitsWithThree()
    {
        var (exit, output, _) = Tool.Run("verify", "/nowhere", "--json");
        Assert.Equal(3, exit);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("NotFound", json.RootElement.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public void Inspect_Json_AddsUp()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model"), Surgeon.Copy());
        var (exit, output, _) = Tool.Run("inspect", folder.File("model"), "--json");
        Assert.Equal(0, exit);
        using var json = JsonDocument.Parse(output);
        var root = json.RootElement;
        Assert.Equal(Surgeon.Copy().Length, root.GetProperty("components").EnumerateObject().Sum(c => c.Value.GetInt64()));
        Assert.Equal(Surgeon.Tensors.Count, root.GetProperty("tensors").GetArrayLength());
        Assert.Equal("synthetic", root.GetProperty("unnorm_keys")[0].GetString());
        Assert.Equal(ModelManifest.DefaultPromptTemplate, root.GetProperty("prompt").GetString());
        var down = root.GetProperty("tensors").EnumerateArray().Single(t => t.GetProperty("name").GetString() == "blk.0.ffn_down.weight");
        var histogram = down.GetProperty("ternary_histogram");
        Assert.Equal(8 * 42, histogram.EnumerateObject().Sum(c => c.Value.GetInt64()));
        Assert.Equal(0, histogram.GetProperty("illegal_codes").GetInt64());
    }

    [Fact]
    public void Inspect_DamagedTensors_StillWorks()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Surgeon.Copy();
        bytes.AsSpan(Surgeon.DataStart).Fill(0xFF);
        File.WriteAllBytes(folder.File("bad"), bytes);
        var (exit, output, _) = Tool.Run("inspect", folder.File("bad"));
        Assert.Equal(0, exit);
        Assert.Contains("ILLEGAL CODES", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Inspect_ForeignFile_ExitsWithThree()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("text"), "not a model");
        var (exit, output, _) = Tool.Run("inspect", folder.File("text"), "--json");
        Assert.Equal(3, exit);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("BadMagic", json.RootElement.GetProperty("error").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData(null, 0, 16)]
    [InlineData("q", 0, 8)]
    [InlineData("k", 8, 4)]
    [InlineData("v", 12, 4)]
    public void Extract_FusedTernary_EqualsDigitTimesGain(string? part, int first, int rows)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model"), Surgeon.Copy());
        string[] selection = part is null ? [] : ["--part", part];
        const string Name = "blk.0.attn_qkv.weight";
        var run = Tool.Run(["extract", folder.File("model"), "--tensor", Name, "-o", folder.File("out"), .. selection]);
        Assert.Equal((0, ""), (run.Exit, run.Error));
        var (shape, values) = Safetensors.ReadFloat32(folder.File("out"), part is null ? Name : $"{Name}.{part}");
        Assert.Equal([rows, 8], shape);
        byte[] file = Surgeon.Copy();
        var gains = MemoryMarshal.Cast<byte, float>(file.AsSpan((int)Surgeon.Tensor("blk.0.attn_qkv.scale").Offset, 12));
        var codes = file.AsSpan((int)Surgeon.Tensor(Name).Offset, 16 * 8);
        var trits = new sbyte[8];
        for (int row = first; row < first + rows; row++)
        {
            TernaryLayout.DecodeRow(codes, row, 16, trits);
            float gain = gains[row < 8 ? 0 : row < 12 ? 1 : 2];
            Assert.Equal(trits.Select(t => t * gain), values.Skip((row - first) * 8).Take(8));
        }
    }

    [Fact]
    public void Extract_DenseMatrix_EqualsItsRows()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model"), Surgeon.Copy());
        Assert.Equal(0, Tool.Run("extract", folder.File("model"), "--tensor", "action.fc2.weight", "-o", folder.File("out")).Exit);
        var (shape, values) = Safetensors.ReadBFloat16(folder.File("out"), "action.fc2.weight");
        Assert.Equal([3, 8], shape);
        var model = new SynthModel("test", SmallModels.Minimal, 11, null);
        var tensor = model.Tensor(model.Plan.Single(e => e.Name == "action.fc2.weight"));
        var row = new ushort[8];
        tensor.DenseRow(2, row);
        Assert.Equal(row.Select(BFloat16.Widen), values.Skip(16));
    }

    [Theory]
    [InlineData("v.position_embd.weight", "F32", 4, 8)]
    [InlineData("token_embd.weight", "BF16", 512, 8)]
    public void Extract_Table_IsCopied(string name, string type, long rows, long columns)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model"), Surgeon.Copy());
        Assert.Equal(0, Tool.Run("extract", folder.File("model"), "--tensor", name, "-o", folder.File("out"), "--json").Exit);
        var found = Safetensors.Read(folder.File("out"), name);
        var tensor = Surgeon.Tensor(name);
        Assert.Equal(type, found.Type);
        Assert.Equal([rows, columns], found.Shape);
        Assert.Equal(Surgeon.Copy().AsSpan((int)tensor.Offset, (int)tensor.Bytes).ToArray(), found.Bytes);
    }

    [Theory]
    [InlineData("nothing", null)]
    [InlineData("blk.0.attn_qkv.weight", "gate")]
    [InlineData("output_norm.weight", "q")]
    public void Extract_NoSuchTensorOrPart_ExitsWithOneAndLeavesNothing(string name, string? part)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("model"), Surgeon.Copy());
        string[] selection = part is null ? [] : ["--part", part];
        Assert.Equal(1, Tool.Run(["extract", folder.File("model"), "--tensor", name, "-o", folder.File("out"), .. selection]).Exit);
        Assert.Single(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void Help_EveryVerb_TeachesByExample()
    {
        foreach (string verb in (string[])["inspect", "verify", "extract", "synth"])
        {
            var (exit, output, _) = Tool.Run(verb, "--help");
            Assert.Equal(0, exit);
            Assert.Contains("Examples:", output, StringComparison.Ordinal);
        }

        Assert.Contains("Exit codes:", Tool.Run("--help").Output, StringComparison.Ordinal);
    }
}
