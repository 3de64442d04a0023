using System.Text;
using BitVla.TestKit;

namespace BitVla.Format.Tests;

public sealed class PackedModelTests : IDisposable
{
    private static readonly TokenizerContent Tokenizer = Words("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|image_pad|>", "<proprio_pad>", "a", "b", "ab");

    private readonly string folder = Directory.CreateTempSubdirectory("bitvla-format-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Open_WhatTheWriterWrote_SaysTheSame()
    {
        using var model = PackedModel.Open(Written());
        var expected = TinyModel.Manifest(Tokenizer, 14, 1, 0, ModelManifest.DefaultPromptTemplate);
        model.CheckTensors(TestContext.Current.CancellationToken);

        Assert.Equivalent(expected.Geometry, model.Manifest.Geometry);
        Assert.Equal(expected.PromptTemplate, model.Manifest.PromptTemplate);
        Assert.Equivalent(expected.Statistics, model.Manifest.Statistics);
        Assert.Equal(64, model.ModelId.Length);
        Assert.Equal(7, model.Tokenizer.Find("ab"u8));
        Assert.Equal(-1, model.Tokenizer.Find("abc"u8));
        Assert.Equal(0, model.Tokenizer.MergeRank(5, 6));
        Assert.Equal(-1, model.Tokenizer.MergeRank(6, 5));
        Assert.All(model.Document.Tensors, tensor => Assert.Equal(0, tensor.Offset % 64));
    }

    [Fact]
    public void Open_AnyBitOfTheDirectoryFlipped_IsRefused()
    {
        byte[] whole = File.ReadAllBytes(Written());
        long directory;
        using (var model = PackedModel.Open(Written()))
        {
            directory = model.Document.DataStart;
        }

        string damaged = Path.Combine(folder, "damaged");
        var errors = new SortedDictionary<ArtifactError, int>();
        for (int at = 0; at < directory; at++)
        {
            whole[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(damaged, whole);
            var wrong = Assert.Throws<ArtifactException>(() => PackedModel.Open(damaged).Dispose());
            errors[wrong.Error] = errors.GetValueOrDefault(wrong.Error) + 1;
            whole[at] ^= (byte)(1 << (at % 8));
        }

        Assert.True(errors[ArtifactError.ChecksumMismatch] > directory / 2, string.Join(", ", errors));
    }

    [Fact]
    public void CheckTensors_AnyByteOfATensorFlipped_NamesTheTensor()
    {
        byte[] whole = File.ReadAllBytes(Written());
        using var good = PackedModel.Open(Written());
        foreach (var tensor in good.Document.Tensors.Where(t => t.Name != TensorNames.Embedding))
        {
            string damaged = Path.Combine(folder, "damaged");
            whole[tensor.Offset + tensor.Bytes - 1] ^= 1;
            File.WriteAllBytes(damaged, whole);
            using var model = PackedModel.Open(damaged);
            var wrong = Assert.Throws<ArtifactException>(() => model.CheckTensors(TestContext.Current.CancellationToken));
            Assert.Equal((ArtifactError.ChecksumMismatch, tensor.Name), (wrong.Error, wrong.Field));
            whole[tensor.Offset + tensor.Bytes - 1] ^= 1;
        }
    }

    [Fact]
    public unsafe void EmbeddingRow_Flipped_IsRefusedOnUseAndOthersServe()
    {
        string path = Written();
        byte[] whole = File.ReadAllBytes(path);
        whole[^1] ^= 1;
        File.WriteAllBytes(path, whole);
        using var model = PackedModel.Open(path);
        model.CheckTensors(TestContext.Current.CancellationToken);
        Assert.Equal(0, *model.EmbeddingRow(0));
        var wrong = Assert.Throws<ArtifactException>(() => _ = *model.EmbeddingRow(model.Manifest.Geometry.VocabRows - 1));
        Assert.Equal(ArtifactError.ChecksumMismatch, wrong.Error);
        Assert.Contains("row 7", wrong.Field, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, ArtifactError.Truncated)]
    [InlineData(1, ArtifactError.BadOffset)]
    public void Open_ByteMoreOrLess_IsRefused(int change, ArtifactError expected)
    {
        string path = Written();
        byte[] whole = File.ReadAllBytes(path);
        Array.Resize(ref whole, whole.Length + change);
        File.WriteAllBytes(path, whole);
        Assert.Equal(expected, Assert.Throws<ArtifactException>(() => PackedModel.Open(path)).Error);
    }

    [Fact]
    public void Open_AbsentOrEmpty_IsRefused()
    {
        Assert.Equal(ArtifactError.NotFound, Assert.Throws<ArtifactException>(() => PackedModel.Open(Path.Combine(folder, "absent"))).Error);
        string empty = Path.Combine(folder, "empty");
        File.WriteAllBytes(empty, []);
        Assert.Equal(ArtifactError.Truncated, Assert.Throws<ArtifactException>(() => PackedModel.Open(empty)).Error);
    }

    [Fact]
    public void Writer_NotCommitted_LeavesTheOldFileAndNothingElse()
    {
        string path = Written();
        byte[] old = File.ReadAllBytes(path);
        var manifest = TinyModel.Manifest(Tokenizer, 14, 1, 0, ModelManifest.DefaultPromptTemplate);
        using (var writer = new PackedModelWriter(path, manifest, Tokenizer))
        {
            writer.Write(writer.Next!.Name, new byte[writer.Next.Bytes]);
            Assert.Equal(2, Directory.GetFiles(folder).Length);
        }

        Assert.Equal([path], Directory.GetFiles(folder));
        Assert.Equal(old, File.ReadAllBytes(path));
    }

    [Fact]
    public void Writer_TensorOutOfTurnOrOfWrongLength_Throws()
    {
        var manifest = TinyModel.Manifest(Tokenizer, 14, 1, 0, ModelManifest.DefaultPromptTemplate);
        using var writer = new PackedModelWriter(Path.Combine(folder, "new"), manifest, Tokenizer);
        Assert.Throws<InvalidOperationException>(() => writer.Write(TensorNames.FinalNorm, new byte[8]));
        Assert.Throws<InvalidOperationException>(() => writer.Write(writer.Next!.Name, new byte[writer.Next.Bytes + 1]));
        Assert.Throws<InvalidOperationException>(() => writer.Write(writer.Next!.Name, new byte[writer.Next.Bytes - 1]));
        Assert.Throws<InvalidOperationException>(writer.Commit);
    }

    [Fact]
    public void Writer_FolderAbsent_IsATypedError() =>
        Assert.Equal(ArtifactError.Unreadable, Assert.Throws<ArtifactException>(() => new PackedModelWriter(
            Path.Combine(folder, "absent", "file"), TinyModel.Manifest(Tokenizer, 14, 1, 0, ModelManifest.DefaultPromptTemplate), Tokenizer)).Error);

    [Fact]
    public void Geometry_ThatCannotBe_IsRefusedByField()
    {
        var good = TinyModel.Manifest(Tokenizer, 14, 1, 0, ModelManifest.DefaultPromptTemplate).Geometry;
        good.Validate("memory");
        void Refused(ModelGeometry geometry, string field)
        {
            var wrong = Assert.Throws<ArtifactException>(() => geometry.Validate("memory"));
            Assert.Equal((ArtifactError.Contradiction, field), (wrong.Error, wrong.Field));
        }

        Refused(good with { PatchSize = 5 }, ModelKeys.PatchSize);
        Refused(good with { VisionWidth = 3, VisionHeads = 2 }, ModelKeys.VisionHeads);
        Refused(good with { Width = 3, Heads = 2 }, ModelKeys.Heads);
        Refused(good with { Width = 6, Heads = 2 }, ModelKeys.Heads);
        Refused(good with { Width = 12, Heads = 3, KvHeads = 2 }, ModelKeys.KvHeads);
        Refused(good with { RmsEpsilon = float.NaN }, ModelKeys.RmsEpsilon);
        Refused(good with { RopeTheta = 0 }, ModelKeys.RopeTheta);
        Refused(good with { Cameras = [] }, ModelKeys.CameraNames);
        Refused(good with { Cameras = [new("x", false), new("x", false)] }, ModelKeys.CameraNames);
        Refused(good with { ChunkLength = 0 }, ModelKeys.ChunkLength);
        Refused(good with { ChunkLength = 0, ActionDim = 0 }, ModelKeys.ActionDim);
        Refused(good with { FeedForward = 1 << 17 }, ModelKeys.FeedForward);
    }

    private static TokenizerContent Words(params string[] words) => new()
    {
        Tokens = [.. words.Select(Encoding.UTF8.GetBytes)],
        TokenTypes = [.. words.Select(w => w.StartsWith('<') ? TokenizerContent.AddedType : TokenizerContent.NormalType)],
        MergePairs = [5, 6],
        IgnoreMerges = true,
    };

    private string Written()
    {
        string path = Path.Combine(folder, "model.gguf");
        TinyModel.Write(path, TinyModel.Manifest(Tokenizer, 14, 1, 0, ModelManifest.DefaultPromptTemplate), Tokenizer);
        return path;
    }
}
