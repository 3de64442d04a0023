using System.Runtime.InteropServices;
using BitVla.Format;
using BitVla.Format.Layout;
using BitVla.Packing.Checkpoint;

namespace BitVla.Packing;

/// <summary>Packs a checkpoint tensor by tensor: at no time is more than one matrix of trits and a few rows of weights in memory.</summary>
public sealed class CheckpointPacker
{
    // A ternary matrix lies block by block across its rows, so it is gathered whole; the real model's largest has 8.8 MB.
    private const long MaxTernaryBytes = 1L << 28;

    private readonly PackPlan plan;
    private readonly PackedModelWriter writer;
    private readonly IProgress<(string Tensor, long Done, long Total)>? progress;
    private readonly CancellationToken cancellation;
    private readonly byte[] piece;
    private readonly float[] values;
    private readonly ushort[] halves;
    private readonly sbyte[] trits;
    private readonly byte[] codes;
    private readonly ushort[] panel;
    private readonly long total;
    private long done;

    private CheckpointPacker(
        PackPlan plan, PackedModelWriter writer, IProgress<(string Tensor, long Done, long Total)>? progress, CancellationToken cancellation)
    {
        this.plan = plan;
        this.writer = writer;
        this.progress = progress;
        this.cancellation = cancellation;
        var sizes = BufferSizes.Of(plan.Steps);
        piece = new byte[TensorReader.BufferBytes];
        values = new float[sizes.RowValues];
        halves = new ushort[sizes.RowValues];
        trits = new sbyte[sizes.RowValues];
        codes = new byte[sizes.TernaryBytes];
        panel = new ushort[sizes.PanelValues];
        total = writer.Plan.Sum(entry => entry.Bytes);
    }

    /// <summary>Packs a checkpoint folder.</summary>
    /// <exception cref="ArtifactException">Something is wrong with the checkpoint or the output; no file was left behind.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; no file was left behind.</exception>
    public static PackSummary Pack(
        string checkpointFolder,
        string output,
        PackOptions options,
        IProgress<(string Tensor, long Done, long Total)>? progress = null,
        CancellationToken cancellation = default)
    {
        if (!options.Overwrite && (File.Exists(output) || Directory.Exists(output)))
        {
            throw new ArtifactException(ArtifactError.Unreadable, output, "output", "a name that is free, or --force", "something of this name");
        }

        using var checkpoint = CheckpointDirectory.Open(checkpointFolder);
        string[] folders = [checkpointFolder, Path.Combine(checkpointFolder, CheckpointDirectory.AdapterFolder)];
        FileIdentity.RefuseInput(output, folders.Where(Directory.Exists).SelectMany(Directory.EnumerateFiles), "a file of the checkpoint");
        var plan = PackPlan.Create(checkpoint, options);
        CheckLimits(plan);
        using var writer = new PackedModelWriter(output, plan.Manifest, plan.Tokenizer);
        var packer = new CheckpointPacker(plan, writer, progress, cancellation);
        packer.WriteAll();
        writer.Commit();
        long largest = Math.Max(Math.Max(packer.codes.Length, packer.piece.Length), Math.Max(sizeof(float) * packer.values.LongLength, 2 * packer.panel.LongLength));
        return new PackSummary(output, writer.ModelId!, writer.FileBytes, writer.Plan.Count, plan.Manifest, largest, plan.Notes);
    }

    private static void CheckLimits(PackPlan plan)
    {
        foreach (var step in plan.Steps.Where(s => s.Kind == PackKind.Ternary))
        {
            long bytes = TernaryLayout.Bytes(step.Rows, step.Columns);
            if (bytes > MaxTernaryBytes)
            {
                throw new ArtifactException(
                    ArtifactError.LimitExceeded, step.Sources[0].File, step.Sources[0].Name, $"a ternary matrix of at most {MaxTernaryBytes} bytes", $"{bytes}");
            }
        }
    }

    private void WriteAll()
    {
        foreach (var step in plan.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            switch (step.Kind)
            {
                case PackKind.Dense:
                    WriteDense(step);
                    break;
                case PackKind.Ternary:
                    WriteTernary(step);
                    break;
                case PackKind.Embedding:
                    WriteEmbedding(step);
                    break;
                default:
                    WriteFloats(step);
                    break;
            }
        }
    }

    private void WriteTernary(PackStep step)
    {
        int k = step.Columns;
        int rows = step.Rows;
        var matrix = codes.AsSpan(0, checked((int)TernaryLayout.Bytes(rows, k)));
        float[] gains = new float[step.Sources.Count];
        int row = 0;
        var quantizer = new AbsMeanQuantizer();
        for (int s = 0; s < gains.Length; s++)
        {
            var source = step.Sources[s];
            ForEachRow(source, k, values => quantizer.Add(values));
            quantizer.Finish();
            gains[s] = quantizer.Gain;
            if (!float.IsFinite(gains[s]))
            {
                throw new ArtifactException(ArtifactError.NonFinite, source.File, source.Name, "a finite scale", $"{gains[s]}");
            }

            using var reader = new TensorReader(source, piece);
            for (long left = source.Elements / k; left > 0; left--)
            {
                reader.Read(values.AsSpan(0, k));
                quantizer.Quantize(values.AsSpan(0, k), trits);
                TernaryLayout.EncodeRow(trits.AsSpan(0, k), row++, rows, matrix);
            }
        }

        writer.Write(step.Name, matrix);
        writer.Write(step.ScaleName!, gains);
        Report(step.Name, matrix.Length + sizeof(float) * gains.Length);
    }

    private void WriteDense(PackStep step)
    {
        const int Outputs = DenseLayout.PanelOutputs;
        int k = step.Columns;
        var whole = panel.AsSpan(0, Outputs * k);
        whole.Clear();
        int row = 0;
        foreach (var source in step.Sources)
        {
            using var reader = new TensorReader(source, piece);
            for (long left = source.Elements / k; left > 0; left--)
            {
                reader.ReadBFloat16(halves.AsSpan(0, k), values);
                DenseLayout.EncodeRow(halves.AsSpan(0, k), row++ % Outputs, whole);
                if (row % Outputs == 0)
                {
                    AppendPanel(step.Name, whole);
                }
            }
        }

        if (row % Outputs != 0)
        {
            AppendPanel(step.Name, whole);
        }

        writer.End(step.Name);
    }

    private void AppendPanel(string name, Span<ushort> whole)
    {
        cancellation.ThrowIfCancellationRequested();
        writer.Append(name, MemoryMarshal.AsBytes(whole));
        whole.Clear();
        Report(name, whole.Length * sizeof(ushort));
    }

    private void WriteFloats(PackStep step)
    {
        foreach (var source in step.Sources)
        {
            using var reader = new TensorReader(source, piece);
            for (long left = source.Elements; left > 0;)
            {
                var part = values.AsSpan(0, (int)Math.Min(values.Length, left));
                reader.Read(part);
                if (step.Kind == PackKind.RoundedFloats)
                {
                    Round(part, source);
                }

                writer.Append(step.Name, MemoryMarshal.AsBytes(part));
                Report(step.Name, part.Length * sizeof(float));
                left -= part.Length;
            }
        }

        writer.End(step.Name);
    }

    private static void Round(Span<float> part, SourceTensor source)
    {
        for (int i = 0; i < part.Length; i++)
        {
            part[i] = BFloat16.Widen(BFloat16.Round(part[i]));
            if (!float.IsFinite(part[i]))
            {
                throw new ArtifactException(ArtifactError.NonFinite, source.File, source.Name, "weights in bf16's range", $"one beyond it at index {i}");
            }
        }
    }

    // Row checksums stand before the table, so it is read twice.
    private void WriteEmbedding(PackStep step)
    {
        int k = step.Columns;
        var source = step.Sources[0];
        using (var first = new TensorReader(source, piece))
        {
            for (int row = 0; row < step.Rows; row++)
            {
                first.ReadBFloat16(halves.AsSpan(0, k), values);
                writer.SetEmbeddingRowHash(row, MemoryMarshal.AsBytes(halves.AsSpan(0, k)));
                Poll(row);
            }
        }

        writer.WriteEmbeddingRowHashes();
        Report(TensorNames.EmbeddingRowXxh3, (long)step.Rows * sizeof(ulong));
        using var second = new TensorReader(source, piece);
        for (int row = 0; row < step.Rows; row++)
        {
            second.ReadBFloat16(halves.AsSpan(0, k), values);
            writer.Append(step.Name, MemoryMarshal.AsBytes(halves.AsSpan(0, k)));
            Report(step.Name, (long)k * sizeof(ushort));
            Poll(row);
        }

        writer.End(step.Name);
    }

    private void ForEachRow(SourceTensor source, int k, ReadOnlySpanAction consume)
    {
        using var reader = new TensorReader(source, piece);
        for (long left = source.Elements / k; left > 0; left--)
        {
            reader.Read(values.AsSpan(0, k));
            consume(values.AsSpan(0, k));
        }
    }

    private void Poll(int row)
    {
        if (row % 1024 == 0)
        {
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private void Report(string tensor, long bytes)
    {
        done += bytes;
        progress?.Report((tensor, done, total));
    }

    private delegate void ReadOnlySpanAction(ReadOnlySpan<float> values);
}
