using System.Runtime.InteropServices;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Packing;

/// <summary>Looks at every byte of a packed file whose directory is sound: checksums, codes, padding, gaps, finiteness.</summary>
internal sealed class ModelVerifier
{
    private const int PieceBytes = 1 << 24;

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
    public static IReadOnlyList<ArtifactException> Check(PackedModel model, bool all, Action<long, string> report, CancellationToken cancellation)
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
            var tensor = tensors[i];
            report(tensor.Offset, tensor.Name);
            if (tensor.Name == TensorNames.Embedding)
            {
                CheckRows();
            }

            bool sumHolds = CheckSums(i);
            CheckContent(tensor, plan[i], sumHolds);
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

    private bool Passes(Action check)
    {
        try
        {
            check();
            return true;
        }
        catch (ArtifactException failure)
        {
            Fail(failure);
            return false;
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
            Fail(model.Document.Wrong(ArtifactError.DirtyPadding, what, "zero bytes", $"0x{gap[bad]:x2}", from + bad));
        }
    }

    private bool CheckSums(int index)
    {
        bool fast = Passes(() => model.CheckXxh3(index, cancellation));
        bool strong = Passes(() => model.CheckSha256(index, cancellation));
        return fast && strong;
    }

    private void CheckRows()
    {
        for (int row = 0; row < model.Manifest.Geometry.VocabRows; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            int id = row;
            _ = Passes(() => model.CheckEmbeddingRow(id));
        }
    }

    private void CheckContent(GgufTensor tensor, TensorPlanEntry entry, bool sumHolds)
    {
        var matrix = LogicalMatrix.Of(model.Manifest.Geometry, entry);
        switch (tensor.Type)
        {
            case GgufTensorType.I8:
                CheckCodes(tensor, matrix!);
                break;
            case GgufTensorType.BF16:
                CheckBFloat16(tensor);
                CheckPanels(tensor, matrix);
                break;
            case GgufTensorType.F32:
                CheckFloats(tensor, sumHolds);
                break;
            default:
                break;
        }
    }

    private void CheckCodes(GgufTensor tensor, LogicalMatrix matrix)
    {
        for (long at = 0; at < tensor.Bytes; at += PieceBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            var piece = model.Bytes(tensor, at, (int)Math.Min(PieceBytes, tensor.Bytes - at));
            int bad = piece.IndexOfAnyInRange((byte)(TernaryLayout.MaxCode + 1), byte.MaxValue);
            if (bad >= 0)
            {
                Fail(model.Document.Wrong(ArtifactError.IllegalCode, tensor.Name, $"codes up to {TernaryLayout.MaxCode}", $"{piece[bad]}", tensor.Offset + at + bad));
                break;
            }
        }

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
            int power = kept switch { 0 => 1, 1 => 3, 2 => 9, 3 => 27, _ => 81 };
            if (codes[i] / power != TernaryLayout.ZeroCode / power)
            {
                Fail(model.Document.Wrong(
                    ArtifactError.DirtyPadding, tensor.Name, $"weight zero in channels past {matrix.K}", $"code {codes[i]} in row {i / TernaryLayout.BlockRowBytes}", tensor.Offset + block + i));
                break;
            }
        }
    }

    private void CheckBFloat16(GgufTensor tensor)
    {
        for (long at = 0; at < tensor.Bytes; at += PieceBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            var values = MemoryMarshal.Cast<byte, ushort>(model.Bytes(tensor, at, (int)Math.Min(PieceBytes, tensor.Bytes - at)));
            for (int i = 0; i < values.Length; i++)
            {
                if (!BFloat16s.IsFinite(values[i]))
                {
                    Fail(model.Document.Wrong(ArtifactError.NonFinite, tensor.Name, "finite values", $"bf16 0x{values[i]:x4}", tensor.Offset + at + 2L * i));
                    return;
                }
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
                Fail(model.Document.Wrong(
                    ArtifactError.DirtyPadding, tensor.Name, $"zero in outputs past {matrix.N}", $"bf16 0x{panel[i]:x4}", tensor.Offset + last + 2L * i));
                return;
            }
        }
    }

    private void CheckFloats(GgufTensor tensor, bool sumHolds)
    {
        bool scale = tensor.Name.EndsWith(".scale", StringComparison.Ordinal);
        if (sumHolds && !scale)
        {
            // CheckXxh3 has looked at the values.
            return;
        }

        var values = MemoryMarshal.Cast<byte, float>(model.Bytes(tensor, 0, (int)tensor.Bytes));
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                Fail(model.Document.Wrong(ArtifactError.NonFinite, tensor.Name, "finite values", $"{values[i]} at index {i}", tensor.Offset + 4L * i));
                return;
            }

            if (scale && values[i] <= 0)
            {
                Fail(model.Document.Wrong(ArtifactError.InvalidValue, tensor.Name, "a positive scale", $"{values[i]} at index {i}", tensor.Offset + 4L * i));
                return;
            }
        }
    }
}
