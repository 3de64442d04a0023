using System.Runtime.InteropServices;
using System.Text;
using BitVla.Format.Gguf;
using BitVla.TestKit;

namespace BitVla.Format.Tests;

/// <summary>Files made to cost time, memory or correctness, with sound checksums.</summary>
public sealed class HostileModelTests : IDisposable
{
    private static readonly string[] Special = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|image_pad|>", "<proprio_pad>"];

    private readonly string folder = Directory.CreateTempSubdirectory("bitvla-hostile-").FullName;

    private string File => Path.Combine(folder, "model");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Open_DirectoryOf1600Megabytes_IsRefusedWithoutReadingIt()
    {
        const int Strings = 100;
        const int StringBytes = 1 << 24;
        using (var file = new BinaryWriter(System.IO.File.Create(File)))
        {
            file.Write(GgufDocument.Magic);
            file.Write(GgufDocument.Version);
            file.Write(0L);
            file.Write((long)Strings);
            for (int i = 0; i < Strings; i++)
            {
                string key = $"key.{i:d3}";
                file.Write((long)key.Length);
                file.Write(Encoding.ASCII.GetBytes(key));
                file.Write((uint)GgufValueType.String);
                file.Write((long)StringBytes);

                // A hole: the strings cost no disk.
                file.Seek(StringBytes, SeekOrigin.Current);
            }

            file.Write(0L);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<ArtifactException>(() => PackedModel.Open(File));
        Assert.Equal(ArtifactError.LimitExceeded, refusal.Error);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
    }

    // Goal: colliding entries do not make the tables quadratic. Method: tokens chosen by PackedTokenizer's own hash, FNV-1a.
    [Fact]
    public void Open_TokensWhoseHashesCollide_AreRefused()
    {
        const int Colliding = 1200;
        var words = new List<string>(Special);
        for (int i = 0; words.Count < Colliding; i++)
        {
            string word = $"w{i}";
            if ((Fnv(word) & 0xFFF) == 0)
            {
                words.Add(word);
            }
        }

        // 2500 tokens have 4096 slots.
        for (int i = 0; words.Count < 2500; i++)
        {
            words.Add($"filler{i}");
        }

        var refusal = Refused(Words(words, []));
        Assert.Equal((ArtifactError.LimitExceeded, ModelKeys.Tokens), (refusal.Error, refusal.Field));
    }

    [Fact]
    public void Open_MergesWhoseHashesCollide_AreRefused()
    {
        const int Tokens = 2500;
        const int Colliding = 1100;
        var merges = new List<uint>();
        for (uint left = 0; left < Tokens; left++)
        {
            for (uint right = 0; right < Tokens && merges.Count < 2 * Colliding; right++)
            {
                // 1100 merges have 2048 slots.
                if (((((ulong)left << 32 | right) * 0x9E3779B97F4A7C15 >> 32) & 0x7FF) == 0)
                {
                    merges.AddRange(left, right);
                }
            }
        }

        Assert.Equal(2 * Colliding, merges.Count);
        var refusal = Refused(Words([.. Special, .. Enumerable.Range(0, Tokens - Special.Length).Select(i => $"t{i}")], merges));
        Assert.Equal((ArtifactError.LimitExceeded, ModelKeys.MergePairs), (refusal.Error, refusal.Field));
    }

    [Fact]
    public void Open_EmptySlotsFarAway_AreNotLookedFor()
    {
        string[] words = [.. Special, .. Enumerable.Range(0, 3000).Select(i => $"t{i}")];
        TinyModel.Save(File, Words(words, []));
        using var model = PackedModel.Open(File);
        for (int id = 0; id < words.Length; id++)
        {
            Assert.Equal(id, model.Tokenizer.Find(Encoding.UTF8.GetBytes(words[id])));
            Assert.Equal(-1, model.Tokenizer.Find(Encoding.UTF8.GetBytes(words[id] + "!")));
        }

        Assert.InRange(model.Tokenizer.LongestProbe, 1, 100);
    }

    // Goal: a file refused for its tensors leaves no native memory behind. Method: 4 MB of tables a time, far more times than the margin.
    [Fact]
    public void Open_RefusedForItsTensors_FreesTheTokenizer()
    {
        const int Times = 100;
        const long Margin = 128 << 20;
        string[] words = [.. Special, .. Enumerable.Range(0, 200_000).Select(i => $"t{i}")];
        TinyModel.Save(File, Words(words, []));
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        int place = bytes.AsSpan().IndexOf("v.patch_embd.weight"u8);
        Assert.True(place > 0, "the first tensor has another name");
        var surgeon = new PackedFileSurgeon(bytes);
        bytes[place] = (byte)'w';
        surgeon.ResealDirectory(bytes);
        System.IO.File.WriteAllBytes(File, bytes);
        Assert.Equal(ArtifactError.Unexpected, Assert.Throws<ArtifactException>(() => PackedModel.Open(File)).Error);
        long before = Environment.WorkingSet;
        for (int i = 0; i < Times; i++)
        {
            Assert.Throws<ArtifactException>(() => PackedModel.Open(File));
        }

        Assert.InRange(Environment.WorkingSet - before, long.MinValue, Margin);
    }

    [Fact]
    public void Open_ThroughALink_ReadsTheFileItself()
    {
        TinyModel.Save(File, Words(Special, []));
        string link = Path.Combine(folder, "link");
        System.IO.File.CreateSymbolicLink(link, File);
        using var model = PackedModel.Open(link);
        Assert.Equal(new FileInfo(File).Length, model.Length);
    }

    [Theory]
    [InlineData("action", 1.0, 0.5)]
    [InlineData("action", -1e308, 1e308)]
    [InlineData("proprio", 1.0, 0.5)]
    [InlineData("proprio", -1e308, 1e308)]
    public void Open_BoundsThatAreNoQuantiles_NamesKeyAndIndex(string what, double low, double high)
    {
        var content = Words(Special, []);
        var manifest = TinyModel.Manifest(content, 14, 1, 0, ModelManifest.DefaultPromptTemplate);
        manifest = manifest with { Geometry = manifest.Geometry with { ProprioDim = 7 } };
        double[] lows = [0, 0, low, 0, 0, 0, 0];
        double[] highs = [0, 0, high, 0, 0, 0, 0];
        var statistics = manifest.Statistics[0] with { ProprioQ01 = new double[7], ProprioQ99 = new double[7], ProprioMask = new bool[7] };
        statistics = what == "action"
            ? statistics with { ActionQ01 = lows, ActionQ99 = highs }
            : statistics with { ProprioQ01 = lows, ProprioQ99 = highs };
        TinyModel.Write(File, manifest with { Statistics = [statistics] }, content);
        var refusal = Assert.Throws<ArtifactException>(() => PackedModel.Open(File));
        Assert.Equal((ArtifactError.Contradiction, ModelKeys.Statistics(0, what, "q01")), (refusal.Error, refusal.Field));
        Assert.Contains("index 2", refusal.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x7FC0)]
    [InlineData(0xFF80)]
    public unsafe void EmbeddingRow_NotFinite_IsRefusedByRow(int bits)
    {
        TinyModel.Save(File, Words(Special, []));
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        var surgeon = new PackedFileSurgeon(bytes);
        int width = (int)surgeon.Tensor(TensorNames.Embedding).Dimensions[0];
        long place = surgeon.Tensor(TensorNames.Embedding).Offset + 2 * (3 * width + 1);
        MemoryMarshal.Write(bytes.AsSpan((int)place), (ushort)bits);
        surgeon.Reseal(bytes);
        System.IO.File.WriteAllBytes(File, bytes);
        using var model = PackedModel.Open(File);
        Assert.Equal(0, *model.EmbeddingRow(2));
        var refusal = Assert.Throws<ArtifactException>(() => _ = *model.EmbeddingRow(3));
        Assert.Equal((ArtifactError.NonFinite, $"{TensorNames.Embedding} row 3", place), (refusal.Error, refusal.Field, refusal.Offset));
    }

    private static uint Fnv(string text)
    {
        uint hash = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ b) * 16777619;
        }

        return hash ^ (hash >> 15);
    }

    private static TokenizerContent Words(IReadOnlyList<string> words, List<uint> merges) => new()
    {
        Tokens = [.. words.Select(Encoding.UTF8.GetBytes)],
        TokenTypes = [.. words.Select(w => w.StartsWith('<') ? TokenizerContent.AddedType : TokenizerContent.NormalType)],
        MergePairs = [.. merges],
        IgnoreMerges = true,
    };

    private ArtifactException Refused(TokenizerContent content)
    {
        TinyModel.Save(File, content);
        return Assert.Throws<ArtifactException>(() => PackedModel.Open(File));
    }
}
