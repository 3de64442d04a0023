using System.Runtime.InteropServices;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Packing;

/// <summary>Looks at every byte of a packed file whose directory is sound: checksums, codes, padding, gaps, finiteness.</summary>
internal sealed class ModelVerifier
{
    private readonly PackedModel model;
    private readonly bool all;
    private readonly CancellationToken cancellation;
    private readonly List<ArtifactException> failures = [];

    private ModelVerifier(PackedModel model, bool all, CancellationToken cancellation)
    {
        this.model = model;
        this.all = all;
        this.cancellation = cancellation;
    }

    /// <summary>Checks a model.</summary>
    /// <param name="model">The model; opening it has already proved directory, geometry and metadata.</param>
    /// <param name="all">Whether to go on after the first failure.</param>
    /// <param name="report">Called with bytes done and the tensor's name.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What is wrong, in file order; empty when all is well.</returns>
    public static IReadOnlyList<ArtifactException> Check(
        PackedModel model, bool all, Action<long, string> report, CancellationToken cancellation)
    {
        var verifier = new ModelVerifier(model, all, cancellation);
        try
        {
            verifier.Run(report);
        }
        catch (ArtifactException first) when (!all)
        {
            return [first];
        }

        return verifier.failures;
    }

    private void Run(Action<long, string> report)
    {
        var tensors = model.Document.Tensors;
        var plan = TensorPlan.For(model.Manifest.Geometry);
        CheckGap(DirectoryEnd(), tensors[0], "padding after the directory");
        for (int i = 0; i < tensors.Count; i++)
        {
            int index = i;
            var tensor = tensors[i];
            report(tensor.Offset, tensor.Name);
            if (tensor.Name == TensorNames.Embedding)
            {
                CheckRows();
            }

            // Looks at values too: legal codes, finite numbers.
            Passes(() => model.CheckXxh3(index, cancellation));
            Passes(() => model.CheckSha256(index, cancellation));
            CheckContent(tensor, plan[i]);
            if (i + 1 < tensors.Count)
            {
                CheckGap(tensor.Offset + tensor.Bytes, tensors[i + 1], $"gap after {tensor.Name}");
            }
        }
    }

    private void Fail(ArtifactException failure)
    {
        if (!all)
        {
            throw failure;
        }

        failures.Add(failure);
    }

    private void Fail(ArtifactError error, string field, string expected, string found, long offset) =>
        Fail(model.Document.Wrong(error, field, expected, found, offset));

    private void Passes(Action check)
    {
        try
        {
            check();
        }
        catch (ArtifactException failure)
        {
            Fail(failure);
        }
    }

    // Header, then metadata, then a line a tensor: name, rank, sizes, type, offset.
    private long DirectoryEnd()
    {
        var last = model.Document.Metadata[^1].Value;
        return last.Offset + last.Bytes
            + model.Document.Tensors.Sum(t => 8 + System.Text.Encoding.UTF8.GetByteCount(t.Name) + 4 + 8 * t.Dimensions.Count + 4 + 8L);
    }

    private void CheckGap(long from, GgufTensor next, string what)
    {
        // A gap is shorter than the alignment; counted backwards from the tensor after it.
        var gap = model.Bytes(next, from - next.Offset, (int)(next.Offset - from));
        if (gap.IndexOfAnyExcept((byte)0) is >= 0 and var bad)
        {
            Fail(ArtifactError.DirtyPadding, what, "zero bytes", $"0x{gap[bad]:x2}", from + bad);
        }
    }

    private void CheckRows()
    {
        for (int row = 0; row < model.Manifest.Geometry.VocabRows; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            int id = row;
            Passes(() => model.CheckEmbeddingRow(id));
        }
    }

    private void CheckContent(GgufTensor tensor, TensorPlanEntry entry)
    {
        var matrix = LogicalMatrix.Of(model.Manifest.Geometry, entry);
        switch (tensor.Type)
        {
            case GgufTensorType.I8:
                CheckChannels(tensor, matrix!);
                break;
            case GgufTensorType.BF16:
                CheckPanels(tensor, matrix);
                break;
            case GgufTensorType.F32 when tensor.Name.EndsWith(".scale", StringComparison.Ordinal):
                CheckScales(tensor);
                break;
            default:
                break;
        }
    }

    private void CheckChannels(GgufTensor tensor, LogicalMatrix matrix)
    {
        int used = matrix.K % TernaryLayout.BlockChannels;
        if (used == 0)
        {
            return;
        }

        // Only the last block has channels past K; a digit of weight zero is 1.
        long block = (long)(matrix.K / TernaryLayout.BlockChannels) * matrix.N * TernaryLayout.BlockRowBytes;
        var codes = model.Bytes(tensor, block, matrix.N * TernaryLayout.BlockRowBytes);
        for (int i = 0; i < codes.Length; i++)
        {
            int kept = Math.Clamp(used - 4 * (i % TernaryLayout.BlockRowBytes), 0, 4);
            int power = kept switch { 0 => 1, 1 => 3, 2 => 9, _ => 27 };
            if (kept < 4 && codes[i] / power != TernaryLayout.ZeroCode / power)
            {
                string found = $"code {codes[i]} in row {i / TernaryLayout.BlockRowBytes}";
                Fail(ArtifactError.DirtyPadding, tensor.Name, $"weight zero in channels past {matrix.K}", found, tensor.Offset + block + i);
                break;
            }
        }
    }

    private void CheckPanels(GgufTensor tensor, LogicalMatrix? matrix)
    {
        if (matrix is null || matrix.N % DenseLayout.PanelOutputs == 0)
        {
            return;
        }

        int used = matrix.N % DenseLayout.PanelOutputs;
        int panelBytes = matrix.K * DenseLayout.PanelOutputs * sizeof(ushort);
        long last = (long)(matrix.N / DenseLayout.PanelOutputs) * panelBytes;
        var panel = MemoryMarshal.Cast<byte, ushort>(model.Bytes(tensor, last, panelBytes));
        for (int i = 0; i < panel.Length; i++)
        {
            if (i % DenseLayout.PanelOutputs >= used && panel[i] != 0)
            {
                long place = tensor.Offset + last + 2L * i;
                Fail(ArtifactError.DirtyPadding, tensor.Name, $"zero in outputs past {matrix.N}", $"bf16 0x{panel[i]:x4}", place);
                return;
            }
        }
    }

    private void CheckScales(GgufTensor tensor)
    {
        var values = MemoryMarshal.Cast<byte, float>(model.Bytes(tensor, 0, (int)tensor.Bytes));
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] <= 0)
            {
                Fail(ArtifactError.InvalidValue, tensor.Name, "a positive scale", $"{values[i]} at index {i}", tensor.Offset + 4L * i);
                return;
            }
        }
    }
}
