using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Format;

/// <summary>Manifest and tokenizer to metadata, and manifest back.</summary>
internal static class ManifestCodec
{
    /// <summary>Version of the whole packed format; a change to any rule of docs/format.md raises it.</summary>
    public const int FormatVersion = 1;

    /// <summary>Alignment of tensors: a cache line, and the widest vector of any kernel.</summary>
    public const int Alignment = 64;

    private const string ArchitectureName = "bitvla";
    private const int MaxStatistics = 256;

    public static GgufHeaderBuilder Write(ModelManifest m, TokenizerContent t, int tensorCount)
    {
        var g = m.Geometry;
        var b = new GgufHeaderBuilder();
        b.Add(ModelKeys.Architecture, ArchitectureName);
        b.Add(ModelKeys.Name, m.Name);
        b.Add(ModelKeys.Alignment, (uint)Alignment);
        b.Add(ModelKeys.FormatVersion, (uint)FormatVersion);
        b.Add(ModelKeys.MetadataXxh3, 0UL);
        b.Add(ModelKeys.ModelId, new byte[32].AsSpan());
        b.Add(ModelKeys.TernaryLayout, TernaryLayout.Name);
        b.Add(ModelKeys.DenseLayout, DenseLayout.Name);

        b.Add(ModelKeys.ImageSize, (uint)g.ImageSize);
        b.Add(ModelKeys.PatchSize, (uint)g.PatchSize);
        b.Add(ModelKeys.VisionWidth, (uint)g.VisionWidth);
        b.Add(ModelKeys.VisionFeedForward, (uint)g.VisionFeedForward);
        b.Add(ModelKeys.VisionLayers, (uint)g.VisionLayers);
        b.Add(ModelKeys.VisionHeads, (uint)g.VisionHeads);
        b.Add(ModelKeys.VisionEpsilon, g.VisionEpsilon);
        b.Add(ModelKeys.VisionTernary, g.VisionTernary);

        b.Add(ModelKeys.Width, (uint)g.Width);
        b.Add(ModelKeys.FeedForward, (uint)g.FeedForward);
        b.Add(ModelKeys.Layers, (uint)g.Layers);
        b.Add(ModelKeys.Heads, (uint)g.Heads);
        b.Add(ModelKeys.KvHeads, (uint)g.KvHeads);
        b.Add(ModelKeys.RmsEpsilon, g.RmsEpsilon);
        b.Add(ModelKeys.RopeTheta, g.RopeTheta);
        b.Add(ModelKeys.VocabRows, (uint)g.VocabRows);
        b.Add(ModelKeys.HasLmHead, g.HasLmHead);

        b.Add(ModelKeys.ChunkLength, (uint)g.ChunkLength);
        b.Add(ModelKeys.ActionDim, (uint)g.ActionDim);
        b.Add(ModelKeys.HeadBlocks, (uint)g.HeadBlocks);
        b.Add(ModelKeys.GripperConvention, m.GripperConvention);
        b.Add(ModelKeys.ProprioDim, (uint)g.ProprioDim);
        b.Add(ModelKeys.CameraNames, g.Cameras.Select(c => c.Name).ToArray());
        b.Add(ModelKeys.CameraRotate180, g.Cameras.Select(c => c.Rotate180).ToArray().AsSpan());

        b.Add(ModelKeys.CenterCrop, m.CenterCrop);
        b.Add(ModelKeys.PixelMean, m.PixelMean.AsSpan());
        b.Add(ModelKeys.PixelStd, m.PixelStd.AsSpan());
        b.Add(ModelKeys.PixelRescale, m.PixelRescale);

        b.Add(ModelKeys.PromptTemplate, m.PromptTemplate);
        b.Add(ModelKeys.ImageToken, (uint)m.ImageToken);
        b.Add(ModelKeys.ProprioToken, (uint)m.ProprioToken);
        b.Add(ModelKeys.StopToken, (uint)m.StopToken);

        b.Add(ModelKeys.StatisticsNames, m.Statistics.Select(s => s.Name).ToArray());
        for (int i = 0; i < m.Statistics.Count; i++)
        {
            var s = m.Statistics[i];
            b.Add(ModelKeys.Statistics(i, "action", "q01"), s.ActionQ01.AsSpan());
            b.Add(ModelKeys.Statistics(i, "action", "q99"), s.ActionQ99.AsSpan());
            b.Add(ModelKeys.Statistics(i, "action", "mask"), s.ActionMask.AsSpan());
            b.Add(ModelKeys.Statistics(i, "proprio", "q01"), s.ProprioQ01.AsSpan());
            b.Add(ModelKeys.Statistics(i, "proprio", "q99"), s.ProprioQ99.AsSpan());
            b.Add(ModelKeys.Statistics(i, "proprio", "mask"), s.ProprioMask.AsSpan());
        }

        b.Add(ModelKeys.SourceFiles, m.SourceFiles);
        b.Add(ModelKeys.PackerVersion, m.Packer);
        b.Add(ModelKeys.TensorXxh3, new ulong[tensorCount].AsSpan());
        b.Add(ModelKeys.TensorSha256, new byte[32 * tensorCount].AsSpan());

        b.Add(ModelKeys.TokenizerModel, "gpt2");
        b.Add(ModelKeys.TokenizerPre, "llama-bpe");
        b.Add(ModelKeys.BosToken, (uint)m.BosToken);
        b.Add(ModelKeys.EosToken, (uint)m.StopToken);
        b.Add(ModelKeys.AddBos, true);
        b.Add(ModelKeys.IgnoreMerges, t.IgnoreMerges);
        b.Add(ModelKeys.TokenTypes, t.TokenTypes.AsSpan());
        b.Add(ModelKeys.MergePairs, t.MergePairs.AsSpan());
        b.Add(ModelKeys.Tokens, t.Tokens);
        return b;
    }

    public static ModelManifest Read(GgufDocument d)
    {
        RequireText(d, ModelKeys.Architecture, ArchitectureName, ArtifactError.Unsupported);
        int version = d.UInt32(ModelKeys.FormatVersion, 0, int.MaxValue);
        if (version != FormatVersion)
        {
            throw d.Wrong(ArtifactError.UnsupportedVersion, ModelKeys.FormatVersion, $"{FormatVersion}", $"{version}", null);
        }

        RequireText(d, ModelKeys.TernaryLayout, TernaryLayout.Name, ArtifactError.UnsupportedVersion);
        RequireText(d, ModelKeys.DenseLayout, DenseLayout.Name, ArtifactError.UnsupportedVersion);
        RequireText(d, ModelKeys.TokenizerModel, "gpt2", ArtifactError.Unsupported);
        RequireText(d, ModelKeys.TokenizerPre, "llama-bpe", ArtifactError.Unsupported);
        if (d.Alignment % Alignment != 0)
        {
            throw d.Wrong(ArtifactError.BadOffset, ModelKeys.Alignment, $"a multiple of {Alignment}", $"{d.Alignment}", null);
        }

        var geometry = ReadGeometry(d);
        geometry.Validate(d.File);
        string gripper = d.String(ModelKeys.GripperConvention);
        if (gripper is not (ModelManifest.LiberoGripper or ModelManifest.RawGripper))
        {
            throw d.Wrong(ArtifactError.Unsupported, ModelKeys.GripperConvention, "libero or raw", gripper, null);
        }

        return new ModelManifest
        {
            Name = d.String(ModelKeys.Name),
            Geometry = geometry,
            CenterCrop = d.Bool(ModelKeys.CenterCrop),
            PixelMean = d.Float64Array(ModelKeys.PixelMean, 3),
            PixelStd = Positive(d, ModelKeys.PixelStd),
            PixelRescale = d.Float64(ModelKeys.PixelRescale),
            PromptTemplate = d.String(ModelKeys.PromptTemplate),
            GripperConvention = gripper,
            ImageToken = d.UInt32(ModelKeys.ImageToken, 0, geometry.VocabRows - 1),
            ProprioToken = d.UInt32(ModelKeys.ProprioToken, 0, geometry.VocabRows - 1),
            StopToken = d.UInt32(ModelKeys.StopToken, 0, geometry.VocabRows - 1),
            BosToken = d.UInt32(ModelKeys.BosToken, 0, geometry.VocabRows - 1),
            Statistics = ReadStatistics(d, geometry),
            SourceFiles = d.StringArray(ModelKeys.SourceFiles, 4096),
            Packer = d.String(ModelKeys.PackerVersion),
        };
    }

    private static ModelGeometry ReadGeometry(GgufDocument d)
    {
        string[] names = d.StringArray(ModelKeys.CameraNames, ModelGeometry.MaxCameras);
        bool[] rotations = d.BoolArray(ModelKeys.CameraRotate180, names.Length);
        return new ModelGeometry
        {
            ImageSize = d.UInt32(ModelKeys.ImageSize, 1, 4096),
            PatchSize = d.UInt32(ModelKeys.PatchSize, 1, 4096),
            VisionWidth = d.UInt32(ModelKeys.VisionWidth, 1, ModelGeometry.MaxChannels),
            VisionFeedForward = d.UInt32(ModelKeys.VisionFeedForward, 1, ModelGeometry.MaxChannels),
            VisionLayers = d.UInt32(ModelKeys.VisionLayers, 1, 1024),
            VisionHeads = d.UInt32(ModelKeys.VisionHeads, 1, ModelGeometry.MaxChannels),
            VisionEpsilon = d.PositiveFloat32(ModelKeys.VisionEpsilon),
            VisionTernary = d.Bool(ModelKeys.VisionTernary),
            Width = d.UInt32(ModelKeys.Width, 1, ModelGeometry.MaxChannels),
            FeedForward = d.UInt32(ModelKeys.FeedForward, 1, ModelGeometry.MaxChannels),
            Layers = d.UInt32(ModelKeys.Layers, 1, 1024),
            Heads = d.UInt32(ModelKeys.Heads, 1, ModelGeometry.MaxChannels),
            KvHeads = d.UInt32(ModelKeys.KvHeads, 1, ModelGeometry.MaxChannels),
            RmsEpsilon = d.PositiveFloat32(ModelKeys.RmsEpsilon),
            RopeTheta = d.PositiveFloat32(ModelKeys.RopeTheta),
            VocabRows = d.UInt32(ModelKeys.VocabRows, 1, 1 << 20),
            HasLmHead = d.Bool(ModelKeys.HasLmHead),
            ChunkLength = d.UInt32(ModelKeys.ChunkLength, 0, 256),
            ActionDim = d.UInt32(ModelKeys.ActionDim, 0, 64),
            HeadBlocks = d.UInt32(ModelKeys.HeadBlocks, 0, 64),
            ProprioDim = d.UInt32(ModelKeys.ProprioDim, 0, 256),
            Cameras = names.Zip(rotations, (name, rotate) => new CameraSpec(name, rotate)).ToArray(),
        };
    }

    private static ModelStatistics[] ReadStatistics(GgufDocument d, ModelGeometry g)
    {
        string[] names = d.StringArray(ModelKeys.StatisticsNames, MaxStatistics);
        if (g.ActionDim > 0 && names.Length == 0)
        {
            throw d.Wrong(ArtifactError.Missing, ModelKeys.StatisticsNames, "at least one un-normalisation key", "none", null);
        }

        if (names.Distinct(StringComparer.Ordinal).Count() != names.Length)
        {
            throw d.Wrong(ArtifactError.Duplicate, ModelKeys.StatisticsNames, "distinct keys", string.Join(", ", names), null);
        }

        var all = new ModelStatistics[names.Length];
        for (int i = 0; i < all.Length; i++)
        {
            var (actionLow, actionHigh) = ReadBounds(d, i, "action", g.ActionDim);
            var (proprioLow, proprioHigh) = ReadBounds(d, i, "proprio", g.ProprioDim);
            all[i] = new ModelStatistics
            {
                Name = names[i],
                ActionQ01 = actionLow,
                ActionQ99 = actionHigh,
                ActionMask = d.BoolArray(ModelKeys.Statistics(i, "action", "mask"), g.ActionDim),
                ProprioQ01 = proprioLow,
                ProprioQ99 = proprioHigh,
                ProprioMask = d.BoolArray(ModelKeys.Statistics(i, "proprio", "mask"), g.ProprioDim),
            };
        }

        return all;
    }

    private static (double[] Low, double[] High) ReadBounds(GgufDocument d, int index, string what, int width)
    {
        string key = ModelKeys.Statistics(index, what, "q01");
        double[] low = d.Float64Array(key, width);
        double[] high = d.Float64Array(ModelKeys.Statistics(index, what, "q99"), width);
        if (ModelStatistics.IndexOfBadBounds(low, high) is >= 0 and var bad)
        {
            throw d.Wrong(
                ArtifactError.Contradiction,
                key,
                $"at most q99, {high[bad]}, and at a finite distance from it, at index {bad}",
                $"{low[bad]}",
                d.RequireArray(key, GgufValueType.Float64).Offset + 8L * bad);
        }

        return (low, high);
    }

    private static double[] Positive(GgufDocument d, string key)
    {
        double[] values = d.Float64Array(key, 3);
        return values.All(v => v > 0) ? values : throw d.Wrong(ArtifactError.InvalidValue, key, "positive numbers", string.Join(", ", values), null);
    }

    private static void RequireText(GgufDocument d, string key, string wanted, ArtifactError error)
    {
        string found = d.String(key);
        if (found != wanted)
        {
            throw d.Wrong(error, key, wanted, found, null);
        }
    }
}
