using System.Runtime.InteropServices;
using BitVla.Kernels.Dense;
using BitVla.Kernels.Ternary;

namespace BitVla.Kernels.SelfTest;

/// <summary>One operation at one shape, on seeded inputs.</summary>
internal sealed unsafe class SelfTestCase(string operation, int rows, int n, int k, Action<Operations, SelfTestCase.Buffers, CancellationToken> body)
{
    private const float Epsilon = 1e-5f;

    public string Operation => operation;

    /// <summary>One token, one more than a tile, and a prime past several tiles; N and K of the 4304 form among them.</summary>
    public static IReadOnlyList<SelfTestCase> All()
    {
        var cases = new List<SelfTestCase>();
        foreach (var (m, n, k) in new[] { (1, 640, 1152), (13, 7, 33), (33, 67, 4304), (67, 1155, 64) })
        {
            cases.Add(new("BitLinear", m, n, k, BitLinear));
            cases.Add(new("Dense", m, n, k, Dense));
        }

        foreach (var (m, n) in new[] { (1, 17), (13, 72), (67, 1152), (5, 4304) })
        {
            cases.Add(new("RmsNorm", m, n, n, (o, b, c) => o.RmsNorm(b.X, n, m, n, b.Weight, Epsilon, b.Y, n, c)));
            cases.Add(new("LayerNorm", m, n, n, (o, b, c) => o.LayerNorm(b.X, n, m, n, b.Weight, b.Bias, Epsilon, b.Y, n, c)));
            cases.Add(new("Quantize", m, n, n, (o, b, c) => b.ReadBack(() => o.Quantize(b.X, n, b.Levels, c))));
            cases.Add(new("RmsNormQuantize", m, n, n, (o, b, c) => b.ReadBack(() => o.RmsNormQuantize(b.X, n, b.Weight, Epsilon, b.Levels, c))));
            cases.Add(new("LayerNormQuantize", m, n, n, (o, b, c) => b.ReadBack(() => o.LayerNormQuantize(b.X, n, b.Weight, b.Bias, Epsilon, b.Levels, c))));
            cases.Add(new("GeluTanhQuantize", m, n, n, (o, b, c) => b.ReadBack(() => o.GeluTanhQuantize(b.X, n, b.Levels, c))));
            cases.Add(new("Relu", m, n, n, (o, b, c) => o.Relu(b.Y, n, m, n, c)));
            cases.Add(new("AddRows", m, n, n, (o, b, c) => o.AddRows(b.X, n, (m + 1) / 2, b.Y, n, m, n, c)));
            cases.Add(new("GeluTanh", m, n, n, (o, b, c) => o.GeluTanh(b.Y, n, m, n, c)));
            cases.Add(new("GeluErf", m, n, n, (o, b, c) => o.GeluErf(b.Y, n, m, n, c)));
        }

        foreach (var (m, width) in new[] { (1, 17), (13, 688), (5, 2152) })
        {
            cases.Add(new("SquaredReluGateNormQuantize", m, width, width, (o, b, c) => b.ReadBack(() =>
            {
                using var gateUp = new Buffers(m, 2 * width, 1);
                o.SquaredReluGateNormQuantize(gateUp.Y, 2 * width, b.Weight, Epsilon, b.Levels, c);
            })));
        }

        foreach (var (keys, headDim) in new[] { (67, 128), (33, 72), (1, 24) })
        {
            cases.Add(new("Attention", keys, 3 * headDim, 3 * headDim, (o, b, c) => o.Attention(
                b.X, 3 * headDim, b.X, 3 * headDim, b.X + headDim, 3 * headDim, 1, keys, keys, 3, 1, headDim, 0.1f, b.Y, 3 * headDim, c)));
            cases.Add(new("Rope", keys, 3 * headDim, 3 * headDim, (o, b, c) => o.Rope(b.Y, 3 * headDim, keys, 0, 3, headDim, b.X, b.X + keys * headDim, c)));
        }

        return cases;
    }

    /// <summary>Runs the operation on fresh inputs and returns its output [rows, n].</summary>
    public float[] Run(Operations operations, CancellationToken cancellation)
    {
        using var buffers = new Buffers(rows, n, k);
        body(operations, buffers, cancellation);
        return new ReadOnlySpan<float>(buffers.Y, rows * n).ToArray();
    }

    private static void BitLinear(Operations operations, Buffers b, CancellationToken cancellation)
    {
        var w = new TernaryMatrix(b.Codes, b.N, b.K, [0.02f, 0.03f], [(b.N + 1) / 2, b.N]);
        var q = b.Levels;
        operations.Quantize(b.X, b.K, q, cancellation);
        operations.BitLinear(w, q, b.Bias, b.Y, b.N, OutputMode.Add, cancellation);
    }

    private static void Dense(Operations operations, Buffers b, CancellationToken cancellation) =>
        operations.Dense(new DenseMatrix((ushort*)b.Panels, b.N, b.K), b.X, b.K, b.Rows, b.Bias, b.Y, b.N, OutputMode.Store, cancellation);

    /// <summary>Seeded inputs and an output, 64-byte aligned.</summary>
    internal sealed class Buffers : IDisposable
    {
        private readonly byte* block;
        private ulong state = 0x9E3779B97F4A7C15;

        public Buffers(int rows, int n, int k)
        {
            Rows = rows;
            N = n;
            K = k;
            int stride = QuantizedActivations.StrideFor(k);
            long codes = TernaryMatrix.CodeBytes(n, k);
            long panels = DenseMatrix.PanelBytes(n, k);
            long[] sizes = [4L * rows * k, 4L * rows * n, 4L * Math.Max(n, k), 4L * Math.Max(n, k), codes, panels, (long)rows * stride, 4L * rows];
            block = (byte*)NativeMemory.AlignedAlloc((nuint)sizes.Sum(Aligned), 64);
            byte* at = block;
            byte* Next(int i)
            {
                byte* start = at;
                at += Aligned(sizes[i]);
                return start;
            }

            X = (float*)Next(0);
            Y = (float*)Next(1);
            Weight = (float*)Next(2);
            Bias = (float*)Next(3);
            Codes = Next(4);
            Panels = Next(5);
            Levels = new QuantizedActivations((sbyte*)Next(6), (float*)Next(7), rows, k);
            Fill(X, (long)rows * k);
            Fill(Y, (long)rows * n);
            Fill(Weight, Math.Max(n, k));
            Fill(Bias, Math.Max(n, k));
            FillCodes(codes);
            FillPanels(panels / 2);
        }

        public int Rows { get; }

        public int N { get; }

        public int K { get; }

        public float* X { get; }

        public float* Y { get; }

        public float* Weight { get; }

        public float* Bias { get; }

        public byte* Codes { get; }

        public byte* Panels { get; }

        public QuantizedActivations Levels { get; }

        /// <summary>Writes level / t to Y after an operation that quantises, so that levels and scales are both compared.</summary>
        public void ReadBack(System.Action quantize)
        {
            quantize();
            for (int row = 0; row < Rows; row++)
            {
                for (int i = 0; i < K; i++)
                {
                    Y[row * N + i] = Levels.Levels[(nint)row * Levels.Stride + i] / Levels.Scale[row];
                }
            }
        }

        public void Dispose() => NativeMemory.AlignedFree(block);

        private static long Aligned(long bytes) => (bytes + 63) / 64 * 64;

        // SplitMix64, written out so that every runtime draws the same numbers.
        private ulong Draw()
        {
            ulong z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }

        private void Fill(float* target, long count)
        {
            for (long i = 0; i < count; i++)
            {
                target[i] = ((int)(Draw() >> 40) - (1 << 23)) * (4f / (1 << 23));
            }
        }

        // Codes of any digits, and zero weights past K.
        private void FillCodes(long count)
        {
            int lastBlock = K / TernaryMatrix.BlockChannels;
            for (long i = 0; i < count; i++)
            {
                int block = (int)(i / ((long)N * TernaryMatrix.BlockRowBytes));
                int channel = block * TernaryMatrix.BlockChannels + (int)(i % TernaryMatrix.BlockRowBytes) * 4;
                int code = 0;
                for (int digit = 3; digit >= 0; digit--)
                {
                    code = code * 3 + (block < lastBlock || channel + digit < K ? (int)(Draw() % 3) : 1);
                }

                Codes[i] = (byte)code;
            }
        }

        private void FillPanels(long count)
        {
            for (long i = 0; i < count; i++)
            {
                int output = (int)(i / ((long)K * DenseMatrix.PanelOutputs)) * DenseMatrix.PanelOutputs + (int)(i % DenseMatrix.PanelOutputs);
                float value = ((int)(Draw() >> 40) - (1 << 23)) * (0.1f / (1 << 23));
                ((ushort*)Panels)[i] = output < N ? (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16) : (ushort)0;
            }
        }
    }
}
