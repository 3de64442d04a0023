using BitVla.Format;

namespace BitVla.TestKit;

/// <summary>A real packed model around a tokenizer: the smallest possible decoder, every tensor zero.</summary>
public static class TinyModel
{
    /// <summary>Packs a tokenizer and opens the result; the file is gone from its folder already.</summary>
    public static PackedModel Open(
        TokenizerContent tokenizer,
        int imageSize = 14,
        int cameras = 1,
        int vocabRows = 0,
        string template = ModelManifest.DefaultPromptTemplate)
    {
        string path = Path.Combine(Path.GetTempPath(), $"bitvla-tiny-{Guid.NewGuid():n}.gguf");
        try
        {
            Save(path, tokenizer, imageSize, cameras, vocabRows, template);
            return PackedModel.Open(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Packs a tokenizer under a name of the caller's.</summary>
    public static void Save(
        string path,
        TokenizerContent tokenizer,
        int imageSize = 14,
        int cameras = 1,
        int vocabRows = 0,
        string template = ModelManifest.DefaultPromptTemplate) =>
        Write(path, Manifest(tokenizer, imageSize, cameras, vocabRows, template), tokenizer);

    /// <summary>The manifest of such a model.</summary>
    public static ModelManifest Manifest(TokenizerContent tokenizer, int imageSize, int cameras, int vocabRows, string template) => new()
    {
        Name = "tiny",
        Geometry = new ModelGeometry
        {
            ImageSize = imageSize,
            PatchSize = 14,
            VisionWidth = 2,
            VisionFeedForward = 2,
            VisionLayers = 1,
            VisionHeads = 1,
            VisionEpsilon = 1e-6f,
            VisionTernary = true,
            Width = 2,
            FeedForward = 2,
            Layers = 1,
            Heads = 1,
            KvHeads = 1,
            RmsEpsilon = 1e-5f,
            RopeTheta = 500000,
            VocabRows = Math.Max(vocabRows, tokenizer.Tokens.Count),
            HasLmHead = false,
            ChunkLength = 8,
            ActionDim = 7,
            HeadBlocks = 1,
            ProprioDim = 0,
            Cameras = Enumerable.Range(0, cameras).Select(i => new CameraSpec($"camera{i}", false)).ToArray(),
        },
        CenterCrop = true,
        PixelMean = [0.5, 0.5, 0.5],
        PixelStd = [0.5, 0.5, 0.5],
        PixelRescale = 1.0 / 255,
        PromptTemplate = template,
        GripperConvention = ModelManifest.LiberoGripper,
        ImageToken = Id(tokenizer, "<|image_pad|>"),
        ProprioToken = Id(tokenizer, "<proprio_pad>"),
        StopToken = Id(tokenizer, "<|end_of_text|>"),
        BosToken = Id(tokenizer, "<|begin_of_text|>"),
        Statistics =
        [
            new ModelStatistics
            {
                Name = "tiny",
                ActionQ01 = new double[7],
                ActionQ99 = new double[7],
                ActionMask = new bool[7],
                ProprioQ01 = [],
                ProprioQ99 = [],
                ProprioMask = [],
            },
        ],
        SourceFiles = ["none"],
        Packer = "test",
    };

    private static int Id(TokenizerContent tokenizer, string token)
    {
        byte[] wanted = System.Text.Encoding.UTF8.GetBytes(token);
        for (int id = 0; id < tokenizer.Tokens.Count; id++)
        {
            if (tokenizer.Tokens[id].AsSpan().SequenceEqual(wanted))
            {
                return id;
            }
        }

        throw new KeyNotFoundException($"The tokenizer has no {token}.");
    }

    /// <summary>Writes the file: every tensor zero but what <paramref name="fill"/> sets.</summary>
    public static void Write(string path, ModelManifest manifest, TokenizerContent tokenizer)
    {
        using var writer = new PackedModelWriter(path, manifest, tokenizer);
        byte[] row = new byte[sizeof(ushort) * manifest.Geometry.Width];
        for (int i = 0; i < manifest.Geometry.VocabRows; i++)
        {
            writer.SetEmbeddingRowHash(i, row);
        }

        while (writer.Next is { } entry)
        {
            if (entry.Name == TensorNames.EmbeddingRowXxh3)
            {
                writer.WriteEmbeddingRowHashes();
            }
            else
            {
                writer.Write(entry.Name, new byte[entry.Bytes]);
            }
        }

        writer.Commit();
    }
}
