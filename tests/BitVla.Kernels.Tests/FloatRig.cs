using BitVla.Kernels.Dispatch;
using BitVla.TestKit;

namespace BitVla.Kernels.Tests;

/// <summary>What the tests of the float stages share: the paths of this machine, seeded rows between guard pages, comparisons.</summary>
internal static unsafe class FloatRig
{
    public static readonly OperationLimits Limits = new(MaxColumns: 17920, MaxKeys: 700, MaxKeyFeatures: 2304);

    // The thread counts of the bit contract.
    public static readonly int[] ThreadCounts = [1, 2, 3, 5];

    public static IEnumerable<FloatPath> FastPaths
    {
        get
        {
            if (IsaProbe.Avx2)
            {
                yield return FloatPath.Avx2;
            }

            if (IsaProbe.Neon)
            {
                yield return FloatPath.Neon;
            }
        }
    }

    public static Operations Create(FloatPath path, int threads = 1) =>
        new(KernelSelector.Select("reference") with { FloatPath = path }, threads, Limits);

    public static FloatPath Best => FastPaths.FirstOrDefault(FloatPath.Portable);

    /// <summary>Runs a case on the portable path, then on every path and thread count, and demands equal bits.</summary>
    public static void SameBitsEverywhere(Func<Operations, float[]> run)
    {
        float[] expected;
        using (Operations portable = Create(FloatPath.Portable))
        {
            expected = run(portable);
        }

        foreach (FloatPath path in FastPaths.Prepend(FloatPath.Portable))
        {
            foreach (int threads in ThreadCounts)
            {
                using Operations operations = Create(path, threads);
                EqualBits(expected, run(operations), $"{path}, {threads} threads");
            }
        }
    }

    /// <summary>Nearly normal values of unit variance: sums of four uniform ones, since the library's logarithm differs per platform.</summary>
    public static float[] Gaussian(int count, int seed, float scale = 1f)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            double sum = -2.0;
            for (int j = 0; j < 4; j++)
            {
                sum += random.NextDouble();
            }

            values[i] = scale * (float)(sum * 1.7320508075688772);
        }

        return values;
    }

    /// <summary>Packs weights [n, k], rounded to bf16 by cutting, as panels.</summary>
    public static ushort[] Panels(ReadOnlySpan<float> weights, int n, int k)
    {
        var panels = new ushort[(n + 15) / 16 * 16 * k];
        for (int row = 0; row < n; row++)
        {
            for (int i = 0; i < k; i++)
            {
                panels[(((row / 16 * k) + i) * 16) + (row % 16)] = (ushort)(BitConverter.SingleToUInt32Bits(weights[(row * k) + i]) >> 16);
            }
        }

        return panels;
    }

    public static float Brain(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000);

    public static void EqualBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]:R} (0x{BitConverter.SingleToInt32Bits(actual[i]):X8}), not {expected[i]:R} (0x{BitConverter.SingleToInt32Bits(expected[i]):X8}).");
            }
        }
    }

    /// <summary>Demands |actual - expected| within the golden tolerance of 1e-4 of the largest magnitude of each row.</summary>
    public static void CloseRows(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int columns, double tolerance = 1e-4)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int start = 0; start < expected.Length; start += columns)
        {
            double largest = 0.0;
            for (int i = start; i < start + columns; i++)
            {
                largest = Math.Max(largest, Math.Abs((double)expected[i]));
            }

            for (int i = start; i < start + columns; i++)
            {
                double error = Math.Abs((double)actual[i] - expected[i]);
                Assert.True(error <= tolerance * largest, $"Row {start / columns}, column {i - start}: {actual[i]:R}, golden {expected[i]:R}, row maximum {largest:R}.");
            }
        }
    }

    public static GuardedBuffer<T> Guard<T>(T[] values)
        where T : unmanaged => new(values.AsSpan());

    public static float[] RmsNorm(Operations o, float[] x, int d, float[] weight, float epsilon)
    {
        using GuardedBuffer<float> input = Guard(x), w = Guard(weight), y = new(x.Length);
        o.RmsNorm(input.Start, d, x.Length / d, d, w.Start, epsilon, y.Start, d, default);
        return y.Span.ToArray();
    }

    public static float[] LayerNorm(Operations o, float[] x, int d, float[] weight, float[] bias, float epsilon)
    {
        using GuardedBuffer<float> input = Guard(x), w = Guard(weight), b = Guard(bias), y = new(x.Length);
        o.LayerNorm(input.Start, d, x.Length / d, d, w.Start, b.Start, epsilon, y.Start, d, default);
        return y.Span.ToArray();
    }

    public static float[] Dense(Operations o, float[] x, int k, ushort[] panels, int n, float[]? bias, OutputMode mode = OutputMode.Store, float[]? residual = null)
    {
        int m = x.Length / k;
        using GuardedBuffer<float> input = Guard(x), b = Guard(bias ?? []), y = residual is null ? new(m * n) : Guard(residual);
        using GuardedBuffer<ushort> w = Guard(panels);
        o.Dense(new Kernels.Dense.DenseMatrix(w.Start, n, k), input.Start, k, m, bias is null ? null : b.Start, y.Start, n, mode, default);
        return y.Span.ToArray();
    }

    public static float[] Attention(
        Operations o, float[] q, float[] k, float[] v, int batches, int queries, int keys, int heads, int kvHeads, int headDim, float scale)
    {
        using GuardedBuffer<float> qs = Guard(q), ks = Guard(k), vs = Guard(v), y = new(q.Length);
        int qw = heads * headDim, kw = kvHeads * headDim;
        o.Attention(qs.Start, qw, ks.Start, kw, vs.Start, kw, batches, queries, keys, heads, kvHeads, headDim, scale, y.Start, qw, default);
        return y.Span.ToArray();
    }

    /// <summary>Levels (padding included) followed by scales, as floats.</summary>
    public delegate void QuantizedRun(Operations operations, in QuantizedActivations q);

    public static float[] Quantized(Operations o, int rows, int columns, QuantizedRun run)
    {
        int stride = QuantizedActivations.StrideFor(columns);
        using GuardedBuffer<sbyte> levels = new(rows * stride);
        using GuardedBuffer<float> scale = new(rows);
        levels.Span.Fill(99);
        run(o, new QuantizedActivations(levels.Start, scale.Start, rows, columns));
        return [.. levels.Span.ToArray().Select(level => (float)level), .. scale.Span.ToArray()];
    }
}
