using System.Runtime.InteropServices;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Packing.Synth;

/// <summary>The random bytes of one packed tensor, any piece of them at any time.</summary>
internal sealed class SynthTensor
{
    /// <summary>Share of zero weights; trained 1.58-bit models lie near it.</summary>
    public const float ZeroShare = 0.42f;

    // Code of each 16-bit draw: digits are independent, -1 and +1 with 29 % each and 0 with 42 %.
    private static readonly byte[] CodeOfDraw = BuildCodes();

    private readonly TensorPlanEntry entry;
    private readonly LogicalMatrix? matrix;
    private readonly SynthRandom random;
    private readonly float deviation;
    private readonly float mean;
    private readonly float[]? fixedValues;

    /// <summary>Describes a tensor.</summary>
    /// <param name="geometry">Dimensions of the model.</param>
    /// <param name="entry">The tensor.</param>
    /// <param name="seed">Seed of the model.</param>
    /// <param name="headBias">Normalised actions that the head gives whatever it sees; null for a random head.</param>
    public SynthTensor(ModelGeometry geometry, TensorPlanEntry entry, ulong seed, float[]? headBias)
    {
        this.entry = entry;
        matrix = LogicalMatrix.Of(geometry, entry);
        random = new SynthRandom(seed, entry.Name);
        (mean, deviation) = Moments(entry, matrix);
        if (headBias is not null && entry.Name is TensorNames.HeadWeight2)
        {
            deviation = 0;
        }

        if (headBias is not null && entry.Name is TensorNames.HeadBias2)
        {
            fixedValues = headBias;
        }
        else if (entry.Name.EndsWith(".scale", StringComparison.Ordinal))
        {
            fixedValues = Gains(geometry, entry);
        }
    }

    /// <summary>Fills bytes from <paramref name="first"/> on; both ends on multiples of 64 bytes or at the tensor's end.</summary>
    public void Fill(long first, Span<byte> piece)
    {
        switch (entry.Type)
        {
            case GgufTensorType.I8:
                FillCodes(first, piece);
                break;
            case GgufTensorType.BF16:
                FillBFloat16(first / 2, MemoryMarshal.Cast<byte, ushort>(piece));
                break;
            case GgufTensorType.F32:
                var floats = MemoryMarshal.Cast<byte, float>(piece);
                for (int i = 0; i < floats.Length; i++)
                {
                    floats[i] = Float(first / 4 + i);
                }

                break;
            default:
                throw new InvalidOperationException($"{entry.Name} is not random.");
        }
    }

    /// <summary>One float of an F32 tensor; all but scales and a given head bias are bf16 values, as checkpoints hold them.</summary>
    public float Float(long index) =>
        fixedValues is { } values ? values[index] : BFloat16.Widen(BFloat16.Round(mean + deviation * random.Normal(index)));

    /// <summary>One output's weights [K] of a dense matrix.</summary>
    public void DenseRow(int row, Span<ushort> weights)
    {
        if (deviation == 0)
        {
            weights.Clear();
            return;
        }

        long at = (long)(row / DenseLayout.PanelOutputs) * weights.Length * DenseLayout.PanelOutputs + row % DenseLayout.PanelOutputs;
        for (int k = 0; k < weights.Length; k++, at += DenseLayout.PanelOutputs)
        {
            weights[k] = BFloat16.Round(deviation * random.Normal(at));
        }
    }

    /// <summary>One row's trits [K] of a ternary matrix.</summary>
    public void TernaryRow(int row, Span<sbyte> trits)
    {
        int n = matrix!.N;
        Span<byte> codes = stackalloc byte[TernaryLayout.BlockRowBytes];
        for (int block = 0; block * TernaryLayout.BlockChannels < trits.Length; block++)
        {
            int channel = block * TernaryLayout.BlockChannels;
            var target = trits.Slice(channel, Math.Min(TernaryLayout.BlockChannels, trits.Length - channel));
            DrawCodes(((long)block * n + row) * TernaryLayout.BlockRowBytes, codes);
            TernaryLayout.DecodeRow(codes, 0, 1, target);
        }
    }

    private static byte[] BuildCodes()
    {
        ReadOnlySpan<long> share = [29, 42, 29];
        const long Whole = 100L * 100 * 100 * 100;
        var table = new byte[1 << 16];
        long below = 0;
        for (int code = 0; code <= TernaryLayout.MaxCode; code++)
        {
            int from = (int)(below * table.Length / Whole);
            below += share[code % 3] * share[code / 3 % 3] * share[code / 9 % 3] * share[code / 27];
            table.AsSpan(from..(int)(below * table.Length / Whole)).Fill((byte)code);
        }

        return table;
    }

    // Chosen so that every linear keeps the size of what it reads: nothing grows or fades over thirty layers.
    private static (float Mean, float Deviation) Moments(TensorPlanEntry entry, LogicalMatrix? matrix)
    {
        if (matrix is not null)
        {
            // Actions should lie inside [-1, 1] most of the time.
            float size = entry.Name is TensorNames.HeadWeight2 ? 0.3f : 1f;
            return (0, size / MathF.Sqrt(matrix.K));
        }

        bool norm = entry.Name.Contains("norm", StringComparison.Ordinal) || entry.Name.Contains(".ln", StringComparison.Ordinal);
        return entry.Name switch
        {
            TensorNames.Embedding => (0, 1),
            TensorNames.VisionPosition => (0, 0.2f),
            var name when norm && name.EndsWith("weight", StringComparison.Ordinal) => (1, 0.1f),
            _ => (0, 0.02f),
        };
    }

    private float[] Gains(ModelGeometry geometry, TensorPlanEntry scale)
    {
        string weight = scale.Name[..^"scale".Length] + "weight";
        var owner = LogicalMatrix.Of(geometry, scale with { Name = weight, Type = GgufTensorType.I8 })!;
        var gains = new float[owner.Segments.Count];
        for (int i = 0; i < gains.Length; i++)
        {
            gains[i] = (0.9f + 0.2f * random.Uniform(i)) / MathF.Sqrt((1 - ZeroShare) * owner.K);
        }

        return gains;
    }

    private void DrawCodes(long first, Span<byte> codes)
    {
        ReadOnlySpan<byte> table = CodeOfDraw;
        for (int i = 0; i + 4 <= codes.Length; i += 4)
        {
            ulong word = random[(first + i) / 4];
            codes[i] = table[(ushort)word];
            codes[i + 1] = table[(ushort)(word >> 16)];
            codes[i + 2] = table[(ushort)(word >> 32)];
            codes[i + 3] = table[(ushort)(word >> 48)];
        }
    }

    private void FillCodes(long first, Span<byte> piece)
    {
        DrawCodes(first, piece);
        int used = matrix!.K % TernaryLayout.BlockChannels;
        long tail = (long)(matrix.K / TernaryLayout.BlockChannels) * matrix.N * TernaryLayout.BlockRowBytes;
        if (used == 0 || first + piece.Length <= tail)
        {
            return;
        }

        for (int i = (int)Math.Max(0, tail - first); i < piece.Length; i++)
        {
            int digits = Math.Clamp(used - 4 * (int)((first + i) % TernaryLayout.BlockRowBytes), 0, 4);
            piece[i] = ClearDigits(piece[i], digits);
        }
    }

    // Keeps the first digits of a code and gives weight zero, digit 1, to the others.
    private static byte ClearDigits(byte code, int kept) => kept switch
    {
        0 => TernaryLayout.ZeroCode,
        1 => (byte)(code % 3 + 39),
        2 => (byte)(code % 9 + 36),
        3 => (byte)(code % 27 + 27),
        _ => code,
    };

    private void FillBFloat16(long first, Span<ushort> piece)
    {
        if (deviation == 0)
        {
            piece.Clear();
            return;
        }

        for (int i = 0; i < piece.Length; i++)
        {
            piece[i] = BFloat16.Round(deviation * random.Normal(first + i));
        }

        if (matrix is not { } m || m.N % DenseLayout.PanelOutputs == 0)
        {
            return;
        }

        // Outputs past N: the upper lanes of the last panel.
        long lastPanel = (long)(m.N / DenseLayout.PanelOutputs) * m.K * DenseLayout.PanelOutputs;
        for (int i = (int)Math.Max(0, lastPanel - first); i < piece.Length; i++)
        {
            if ((first + i) % DenseLayout.PanelOutputs >= m.N % DenseLayout.PanelOutputs)
            {
                piece[i] = 0;
            }
        }
    }
}
