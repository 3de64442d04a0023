using BitVla.Kernels.Dispatch;
using BitVla.Kernels.Ternary;
using BitVla.TestKit;

namespace BitVla.Kernels.Tests.Ternary;

/// <summary>Every kernel this machine can run gives the sums of the definition, inside memory that ends where the matrices end.</summary>
public sealed unsafe class TernaryKernelTests
{
    public static TheoryData<string> Kernels => [.. KernelSelector.Available];

    public static TheoryData<string, int> KernelsAndChannels
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string kernel in KernelSelector.Available)
            {
                foreach (int k in (int[])[1, 4, 31, 32, 33, 63, 64, 65, 255, 257, 1152])
                {
                    data.Add(kernel, k);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(KernelsAndChannels))]
    public void TernaryKernel_RaggedShapes_EqualDefinition(string kernel, int k)
    {
        foreach (int m in (int[])[1, 2, 3, 5, 6, 7, 11, 12, 13, 31, 33])
        {
            foreach (int n in (int[])[1, 7, 8, 9, 15, 17])
            {
                using TernaryCase product = TernaryCase.Random(m, n, k, seed: (m * 10007) + (n * 101) + k);
                AssertSums(kernel, product, new(0, m, 0, n));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void TernaryKernel_ModelShapes_EqualDefinition(string kernel)
    {
        (int, int, int)[] shapes = [(628, 9, 2560), (628, 640, 33), (2, 4304, 1152), (13, 640, 4304), (1, 64, 6912)];
        foreach ((int m, int n, int k) in shapes)
        {
            using TernaryCase product = TernaryCase.Random(m, n, k, seed: 42);
            AssertSums(kernel, product, new(0, m, 0, n));
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void TernaryKernel_TileInsideMatrix_ReadsAndWritesOnlyItsTile(string kernel)
    {
        using TernaryCase product = TernaryCase.Random(29, 61, 97, seed: 7);
        AssertSums(kernel, product, new(Token0: 6, Tokens: 17, Row0: 16, Rows: 33));
        AssertSums(kernel, product, new(Token0: 28, Tokens: 1, Row0: 60, Rows: 1));
    }

    // The worst case of every accumulator: int16 lanes at their bound in each chunk, int32 sums at theirs, both signs.
    [Theory]
    [MemberData(nameof(Kernels))]
    public void TernaryKernel_ExtremeLevels_DoNotOverflow(string kernel)
    {
        foreach (int k in (int[])[256, 6912, 8191, TernaryMatrix.MaxChannels])
        {
            foreach ((sbyte weight, sbyte level) in ((sbyte, sbyte)[])[(1, 127), (1, -127), (-1, 127), (-1, -127), (0, -127)])
            {
                using TernaryCase product = TernaryCase.Constant(7, 9, k, weight, level);
                AssertSums(kernel, product, new(0, 7, 0, 9));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void TernaryKernel_AnyCodeByte_IsReadAsTheReferenceReadsIt(string kernel)
    {
        var random = new Random(99);
        using var codes = new GuardedBuffer<byte>((int)TernaryMatrix.CodeBytes(16, 256));
        using var levels = new GuardedBuffer<sbyte>(6 * 256);
        random.NextBytes(codes.Span);
        foreach (ref sbyte level in levels.Span)
        {
            level = (sbyte)random.Next(-127, 128);
        }

        var w = new TernaryMatrix(codes.Start, 16, 256, [1f], [16]);
        var x = new QuantizedActivations(levels.Start, null, 6, 256);
        var tile = new TernaryTile(0, 6, 0, 16);
        Assert.Equal(Multiply(new TernaryKernelReference(), w, x, tile), Multiply(KernelSelector.Select(kernel).Ternary, w, x, tile));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void TernaryTileLimits_OfEveryKernel_AreWholeSteps(string kernel)
    {
        TernaryTileLimits limits = KernelSelector.Select(kernel).Ternary.Limits;
        Assert.Equal(0, limits.Tokens % limits.TokenStep);
        Assert.Equal(0, limits.Rows % limits.RowStep);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void TernaryTilePlan_AnyShape_CoversEachOutputOnceWithinLimits(string kernel)
    {
        TernaryTileLimits limits = KernelSelector.Select(kernel).Ternary.Limits;
        (int, int, int)[] shapes =
            [(1, 1, 1), (1, 6912, 2560), (628, 640, 2560), (628, 4304, 4304), (1100, 13824, 2560), (1321, 7, 65536)];
        foreach ((int m, int n, int k) in shapes)
        {
            foreach (int threads in (int[])[1, 2, 3, 5, 8])
            {
                var plan = new TernaryTilePlan(limits, m, n, k, threads);
                var seen = new byte[m * n];
                for (int i = 0; i < plan.TileCount; i++)
                {
                    TernaryTile tile = plan[i];
                    Assert.InRange(tile.Tokens, 1, limits.Tokens);
                    Assert.InRange(tile.Rows, 1, Math.Min(limits.Rows, plan.SumsStride));
                    Assert.True(
                        (long)tile.Tokens * tile.Rows * k <= limits.Macs || (tile.Tokens <= limits.TokenStep && tile.Rows <= limits.RowStep));
                    for (int token = tile.Token0; token < tile.Token0 + tile.Tokens; token++)
                    {
                        foreach (ref byte cell in seen.AsSpan((token * n) + tile.Row0, tile.Rows))
                        {
                            cell++;
                        }
                    }
                }

                Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)1));
            }
        }
    }

    private static void AssertSums(string kernel, TernaryCase product, TernaryTile tile)
    {
        int[] sums = Multiply(KernelSelector.Select(kernel).Ternary, product.Weights, product.Activations, tile);
        for (int token = 0; token < tile.Tokens; token++)
        {
            for (int row = 0; row < tile.Rows; row++)
            {
                int expected = product.Sum(tile.Token0 + token, tile.Row0 + row);
                if (sums[(token * tile.Rows) + row] != expected)
                {
                    Assert.Fail(
                        $"{kernel} [{product.M}, {product.N}, {product.K}] {tile}: sum of token {token}, row {row} "
                        + $"is {sums[(token * tile.Rows) + row]}, not {expected}.");
                }
            }
        }
    }

    private static int[] Multiply(ITernaryKernel kernel, TernaryMatrix w, QuantizedActivations x, TernaryTile tile)
    {
        int step = kernel.Limits.RowStep;
        int stride = (tile.Rows + step - 1) / step * step;
        using var sums = new GuardedBuffer<int>(tile.Tokens * stride);
        using var scratch = new GuardedBuffer<byte>((int)kernel.ScratchBytes(w.K));
        kernel.Multiply(w, x, tile, sums.Start, stride, scratch.Start);
        int[] result = new int[tile.Tokens * tile.Rows];
        for (int token = 0; token < tile.Tokens; token++)
        {
            sums.Span.Slice(token * stride, tile.Rows).CopyTo(result.AsSpan(token * tile.Rows));
        }

        return result;
    }
}
