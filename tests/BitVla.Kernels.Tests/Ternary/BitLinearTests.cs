using System.Runtime.InteropServices;
using BitVla.Kernels.Dispatch;
using BitVla.TestKit;

namespace BitVla.Kernels.Tests.Ternary;

/// <summary>The whole ternary product, from levels to floats: the bits of the definition for every kernel and thread count.</summary>
public sealed unsafe class BitLinearTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> KernelsAndThreads
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string kernel in KernelSelector.Available)
            {
                foreach (int threads in (int[])[1, 2, 3, 5])
                {
                    data.Add(kernel, threads);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(KernelsAndThreads))]
    public void BitLinear_ThreeSegments_EqualsDefinition(string kernel, int threads)
    {
        using TernaryCase product = TernaryCase.Random(31, 157, 97, seed: 11).WithSegments([0.0123f, 1.7f, 3.3e-4f], [50, 51, 157]);
        AssertOutput(kernel, threads, product, withBias: true, OutputMode.Store, spare: 0);
    }

    [Theory]
    [MemberData(nameof(KernelsAndThreads))]
    public void BitLinear_NullBias_EqualsZeroBias(string kernel, int threads)
    {
        using TernaryCase product = TernaryCase.Random(13, 33, 65, seed: 12);
        AssertOutput(kernel, threads, product, withBias: false, OutputMode.Store, spare: 3);
    }

    [Theory]
    [MemberData(nameof(KernelsAndThreads))]
    public void BitLinear_AddMode_AddsTheCompleteResultOnce(string kernel, int threads)
    {
        using TernaryCase product = TernaryCase.Random(67, 143, 300, seed: 13).WithSegments([0.11f, 0.07f], [100, 143]);
        AssertOutput(kernel, threads, product, withBias: true, OutputMode.Add, spare: 5);
    }

    [Theory]
    [MemberData(nameof(KernelsAndThreads))]
    public void BitLinear_OneTokenOneRow_EqualsDefinition(string kernel, int threads)
    {
        using TernaryCase product = TernaryCase.Random(1, 1, 1, seed: 14);
        AssertOutput(kernel, threads, product, withBias: false, OutputMode.Store, spare: 0);
    }

    [Theory]
    [MemberData(nameof(KernelsAndThreads))]
    public void BitLinear_ManyTokensFewChannels_EqualsDefinition(string kernel, int threads)
    {
        using TernaryCase product = TernaryCase.Random(1100, 129, 33, seed: 15);
        AssertOutput(kernel, threads, product, withBias: true, OutputMode.Store, spare: 0);
    }

    [Fact]
    public void BitLinear_ChannelsDiffer_IsRefused()
    {
        using TernaryCase a = TernaryCase.Random(2, 3, 64, seed: 1);
        using TernaryCase b = TernaryCase.Random(2, 3, 65, seed: 1);
        using var operations = new Operations(KernelSelector.Select("reference"), 1, LimitsFor(b));
        using var y = new GuardedBuffer<float>(6);
        Assert.Throws<ArgumentException>(() => operations.BitLinear(a.Weights, b.Activations, null, y.Start, 3, OutputMode.Store, Token));
    }

    [Fact]
    public void BitLinear_CancelledToken_Throws()
    {
        using TernaryCase product = TernaryCase.Random(2, 3, 64, seed: 1);
        using var operations = new Operations(KernelSelector.Select(null), 2, LimitsFor(product));
        using var y = new GuardedBuffer<float>(6);
        Assert.Throws<OperationCanceledException>(
            () => operations.BitLinear(product.Weights, product.Activations, null, y.Start, 3, OutputMode.Store, new CancellationToken(true)));
    }

    [Fact]
    public void BitLinear_AfterTheFirstCall_AllocatesNothing()
    {
        using TernaryCase product = TernaryCase.Random(31, 157, 97, seed: 11);
        using var operations = new Operations(KernelSelector.Select(null), 2, LimitsFor(product));
        using var y = new GuardedBuffer<float>(31 * 157);
        CancellationToken token = Token;
        long first = 0;
        for (int i = 0; i < 100; i++)
        {
            first = i == 20 ? GC.GetAllocatedBytesForCurrentThread() : first;
            operations.BitLinear(product.Weights, product.Activations, null, y.Start, 157, OutputMode.Store, token);
        }

        Assert.Equal(first, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void AssertOutput(string kernel, int threads, TernaryCase product, bool withBias, OutputMode mode, int spare)
    {
        var random = new Random(5);
        int stride = product.N + spare;
        using var bias = new GuardedBuffer<float>(product.N);
        using var y = new GuardedBuffer<float>(((product.M - 1) * stride) + product.N);
        foreach (ref float value in bias.Span)
        {
            value = random.NextSingle() - 0.5f;
        }

        foreach (ref float value in y.Span)
        {
            value = random.NextSingle() - 0.5f;
        }

        float[] before = y.Span.ToArray();
        using var operations = new Operations(KernelSelector.Select(kernel), threads, LimitsFor(product));
        operations.BitLinear(product.Weights, product.Activations, withBias ? bias.Start : null, y.Start, stride, mode, Token);

        // Floats are compared as bits: -0 is not 0 here, and the gaps between rows must keep theirs.
        var expected = (float[])before.Clone();
        for (int token = 0; token < product.M; token++)
        {
            for (int row = 0; row < product.N; row++)
            {
                int at = (token * stride) + row;
                expected[at] = product.Output(token, row, withBias ? bias.Span[row] : 0f, mode == OutputMode.Add ? before[at] : null);
            }
        }

        ReadOnlySpan<int> actualBits = MemoryMarshal.Cast<float, int>(y.Span);
        int same = actualBits.CommonPrefixLength(MemoryMarshal.Cast<float, int>(expected));
        Assert.True(same == y.Length, $"Element {same}, token {same / stride}, row {same % stride}, is not the definition's.");
    }

    private static OperationLimits LimitsFor(TernaryCase product) => new(product.K, 1, 1);
}
