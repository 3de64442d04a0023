using BitVla.Kernels.Ternary;
using BitVla.TestKit;

namespace BitVla.Kernels.Tests.Ternary;

/// <summary>A ternary product with its inputs in guarded buffers and its exact sums, computed from the unpacked numbers.</summary>
internal sealed unsafe class TernaryCase : IDisposable
{
    private readonly sbyte[] weights;
    private readonly GuardedBuffer<byte> codes;
    private readonly GuardedBuffer<sbyte> levels;
    private readonly GuardedBuffer<float> scale;
    private float[] gains = [1f];
    private int[] ends;

    private TernaryCase(int m, int n, int k, Func<int, int, sbyte> weight, Func<int, int, sbyte> level)
    {
        (M, N, K) = (m, n, k);
        weights = new sbyte[n * k];
        int stride = QuantizedActivations.StrideFor(k);
        codes = new GuardedBuffer<byte>((int)TernaryMatrix.CodeBytes(n, k));
        levels = new GuardedBuffer<sbyte>(m * stride);
        scale = new GuardedBuffer<float>(m);
        ends = [n];
        for (int row = 0; row < n; row++)
        {
            for (int channel = 0; channel < k; channel++)
            {
                weights[(row * k) + channel] = weight(row, channel);
            }
        }

        Pack();
        for (int token = 0; token < m; token++)
        {
            scale.Span[token] = 127f / (1f + (token * 0.37f));
            for (int channel = 0; channel < k; channel++)
            {
                levels.Span[(token * stride) + channel] = level(token, channel);
            }
        }
    }

    public int M { get; }

    public int N { get; }

    public int K { get; }

    public TernaryMatrix Weights => new(codes.Start, N, K, gains, ends);

    public QuantizedActivations Activations => new(levels.Start, scale.Start, M, K);

    public static TernaryCase Random(int m, int n, int k, int seed)
    {
        var random = new Random(seed);
        return new(m, n, k, (_, _) => (sbyte)random.Next(-1, 2), (_, _) => (sbyte)random.Next(-127, 128));
    }

    public static TernaryCase Constant(int m, int n, int k, sbyte weight, sbyte level) => new(m, n, k, (_, _) => weight, (_, _) => level);

    public TernaryCase WithSegments(float[] segmentGains, int[] segmentEnds)
    {
        (gains, ends) = (segmentGains, segmentEnds);
        return this;
    }

    public int Sum(int token, int row)
    {
        ReadOnlySpan<sbyte> w = weights.AsSpan(row * K, K);
        ReadOnlySpan<sbyte> x = levels.Span.Slice(token * Activations.Stride, K);
        int sum = 0;
        for (int k = 0; k < K; k++)
        {
            sum += w[k] * x[k];
        }

        return sum;
    }

    /// <summary>The output a BitLinear must give, bit for bit; <paramref name="previous"/> is what it is added to.</summary>
    public float Output(int token, int row, float bias, float? previous)
    {
        float gain = gains[Array.FindIndex(ends, end => row < end)];
        float r = MathF.FusedMultiplyAdd(Sum(token, row), gain / scale.Span[token], bias);
        return previous is { } y ? y + r : r;
    }

    public void Dispose()
    {
        codes.Dispose();
        levels.Dispose();
        scale.Dispose();
    }

    private void Pack()
    {
        int blocks = (K + 31) / 32;
        for (int block = 0; block < blocks; block++)
        {
            for (int row = 0; row < N; row++)
            {
                for (int group = 0; group < 8; group++)
                {
                    int code = 0;
                    for (int i = 3; i >= 0; i--)
                    {
                        int channel = (block * 32) + (group * 4) + i;
                        code = (3 * code) + (channel < K ? weights[(row * K) + channel] + 1 : 1);
                    }

                    codes.Span[(((block * N) + row) * 8) + group] = (byte)code;
                }
            }
        }
    }
}
