using BitVla.Format;
using BitVla.Format.Layout;

namespace BitVla.Parity.Tests;

/// <summary>A ternary matrix read back from the packed file row by row, with the plainest product there is.</summary>
internal sealed unsafe class ReferenceMatrix
{
    private readonly sbyte[][] trits;
    private readonly double[] gains;
    private readonly double[] bias;

    /// <summary>Reads a matrix of k channels whose rows come in segments, each with its own scale.</summary>
    public ReferenceMatrix(PackedModel model, Func<string, string> name, int k, bool hasBias, params int[] segments)
    {
        int n = segments.Sum();
        var codes = new ReadOnlySpan<byte>(model.Data(name("weight")), checked((int)TernaryLayout.Bytes(n, k)));
        trits = new sbyte[n][];
        for (int row = 0; row < n; row++)
        {
            trits[row] = new sbyte[k];
            TernaryLayout.DecodeRow(codes, row, n, trits[row]);
        }

        float* scales = model.Floats(name("scale"));
        gains = [.. segments.SelectMany((rows, segment) => Enumerable.Repeat((double)scales[segment], rows))];
        bias = hasBias ? ReferenceLayer.Doubles(model, name("bias"), n) : new double[n];
    }

    public int Outputs => trits.Length;

    /// <summary>y = gain / t · Σ level · trit + bias.</summary>
    public double[] Multiply(Levels x)
    {
        var y = new double[trits.Length];
        for (int row = 0; row < y.Length; row++)
        {
            int sum = 0;
            sbyte[] weights = trits[row];
            for (int i = 0; i < weights.Length; i++)
            {
                sum += x.Values[i] * weights[i];
            }

            y[row] = sum * gains[row] / x.Scale + bias[row];
        }

        return y;
    }
}
