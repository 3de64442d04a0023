using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary>A random model of given dimensions; the same seed and dimensions give the same bytes on every machine.</summary>
/// <remarks>Tensors are made piece by piece as they are written: the model never stands in memory.</remarks>
internal sealed class SynthModel
{
    /// <summary>The un-normalisation key of synthetic models.</summary>
    public const string StatisticsKey = "synthetic";

    private const int PieceBytes = 4 << 20;

    // LIBERO-like: end-effector deltas of a step and a gripper between closed and open.
    private static readonly double[] ActionLow = [-0.75, -0.66, -0.94, -0.11, -0.21, -0.18, 0];
    private static readonly double[] ActionHigh = [0.94, 0.88, 0.93, 0.1, 0.18, 0.15, 1];

    // Metres, axis-angle in radians with the wrist turned down, two gripper fingers in metres.
    private static readonly double[] ProprioLow = [-0.45, -0.33, 0.9, 2.85, -0.4, -0.55, 0.001, -0.0405];
    private static readonly double[] ProprioHigh = [0.14, 0.37, 1.33, 3.5, 0.35, 0.3, 0.0405, -0.001];

    private readonly ulong seed;
    private readonly float[]? headBias;

    /// <summary>Describes a model.</summary>
    /// <param name="name">Name for people.</param>
    /// <param name="geometry">Dimensions.</param>
    /// <param name="seed">Seed of all weights.</param>
    /// <param name="headBias">Normalised actions that the head gives whatever it sees; null for a random head.</param>
    /// <exception cref="UsageException">The dimensions contradict each other.</exception>
    public SynthModel(string name, ModelGeometry geometry, ulong seed, float[]? headBias)
    {
        try
        {
            geometry.Validate("synth");
        }
        catch (ArtifactException e)
        {
            throw new UsageException($"The dimensions contradict each other: {e.Field}: expected {e.Expected}, found {e.Found}.");
        }

        if (headBias is not null && headBias.Length != geometry.ActionDim)
        {
            throw new UsageException($"--head-bias has {headBias.Length} values, an action has {geometry.ActionDim}.");
        }

        if (headBias is not null && Array.Exists(headBias, value => !float.IsFinite(value)))
        {
            throw new UsageException("--head-bias takes finite numbers.");
        }

        this.seed = seed;
        this.headBias = headBias;
        Geometry = geometry;
        Tokenizer = SynthTokenizer.Create(geometry.VocabRows);
        Plan = TensorPlan.For(geometry);
        Manifest = Describe(name, geometry, Tokenizer);
    }

    /// <summary>Dimensions.</summary>
    public ModelGeometry Geometry { get; }

    /// <summary>Vocabulary.</summary>
    public SynthTokenizer Tokenizer { get; }

    /// <summary>What the file says of itself.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The packed tensors.</summary>
    public IReadOnlyList<TensorPlanEntry> Plan { get; }

    /// <summary>The random bytes of a packed tensor.</summary>
    public SynthTensor Tensor(TensorPlanEntry entry) => new(Geometry, entry, seed, headBias);

    /// <summary>Random words for something beside the packed tensors.</summary>
    public SynthRandom Random(string name) => new(seed, name);

    /// <summary>Writes the packed file and returns the model's id.</summary>
    public string Write(string path, CancellationToken cancellation)
    {
        using var writer = new PackedModelWriter(path, Manifest, Tokenizer.ToContent());
        using var progress = new ProgressLine("writing", Plan.Sum(entry => entry.Bytes));
        byte[][] buffers = [new byte[PieceBytes], new byte[PieceBytes]];
        long done = 0;
        foreach (var entry in Plan)
        {
            cancellation.ThrowIfCancellationRequested();
            if (entry.Name == TensorNames.EmbeddingRowXxh3)
            {
                HashRows(writer, cancellation);
                writer.WriteEmbeddingRowHashes();
            }
            else
            {
                WriteTensor(writer, entry, buffers, at => progress.Report(done + at, entry.Name), cancellation);
            }

            done += entry.Bytes;
        }

        writer.Commit();
        return writer.ModelId!;
    }

    private static ModelManifest Describe(string name, ModelGeometry g, SynthTokenizer tokenizer) => new()
    {
        Name = name,
        Geometry = g,
        CenterCrop = true,
        PixelMean = [0.5, 0.5, 0.5],
        PixelStd = [0.5, 0.5, 0.5],
        PixelRescale = 0.00392156862745098,
        PromptTemplate = ModelManifest.DefaultPromptTemplate,
        GripperConvention = ModelManifest.LiberoGripper,
        ImageToken = tokenizer.Id("<|image_pad|>"),
        ProprioToken = tokenizer.Id("<proprio_pad>"),
        StopToken = tokenizer.Id("<|end_of_text|>"),
        BosToken = tokenizer.Id("<|begin_of_text|>"),
        Statistics =
        [
            new ModelStatistics
            {
                Name = StatisticsKey,
                ActionQ01 = Cycle(ActionLow, g.ActionDim),
                ActionQ99 = Cycle(ActionHigh, g.ActionDim),
                ActionMask = [.. Enumerable.Range(0, g.ActionDim).Select(i => i < g.ActionDim - 1)],
                ProprioQ01 = Cycle(ProprioLow, g.ProprioDim),
                ProprioQ99 = Cycle(ProprioHigh, g.ProprioDim),
                ProprioMask = [.. Enumerable.Repeat(true, g.ProprioDim)],
            },
        ],
        SourceFiles = [],
        Packer = $"bitvla-pack synth {typeof(SynthModel).Assembly.GetName().Version?.ToString(3)}",
    };

    private static double[] Cycle(double[] values, int count) => [.. Enumerable.Range(0, count).Select(i => values[i % values.Length])];

    // Row checksums stand before the rows, which are therefore made twice; that is cheaper than keeping or re-reading them.
    private void HashRows(PackedModelWriter writer, CancellationToken cancellation)
    {
        var table = Tensor(Plan.Single(entry => entry.Name == TensorNames.Embedding));
        int rowBytes = Geometry.Width * sizeof(ushort);
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, Geometry.VocabRows, options, () => new byte[rowBytes], (row, _, buffer) =>
        {
            table.Fill((long)row * rowBytes, buffer);
            writer.SetEmbeddingRowHash(row, buffer);
            return buffer;
        }, _ => { });
    }

    // One piece is made while the other is hashed and written.
    private void WriteTensor(
        PackedModelWriter writer, TensorPlanEntry entry, byte[][] buffers, Action<long> report, CancellationToken cancellation)
    {
        var tensor = Tensor(entry);
        int turn = 0;
        int count = Fill(tensor, entry, 0, buffers[turn]);
        for (long at = 0; at < entry.Bytes;)
        {
            cancellation.ThrowIfCancellationRequested();
            long next = at + count;
            var other = buffers[1 - turn];
            var making = next < entry.Bytes ? Task.Run(() => Fill(tensor, entry, next, other), CancellationToken.None) : null;
            try
            {
                writer.Append(entry.Name, buffers[turn].AsSpan(0, count));
            }
            finally
            {
                making?.Wait(CancellationToken.None);
            }

            report(next);
            at = next;
            turn = 1 - turn;
            count = making?.Result ?? 0;
        }

        writer.End(entry.Name);
    }

    private static int Fill(SynthTensor tensor, TensorPlanEntry entry, long first, byte[] buffer)
    {
        int count = (int)Math.Min(buffer.Length, entry.Bytes - first);
        tensor.Fill(first, buffer.AsSpan(0, count));
        return count;
    }
}
