using BitVla.Kernels.Dispatch;

namespace BitVla.Kernels.SelfTest;

/// <summary>What the self-test found for one operation on one kernel.</summary>
/// <param name="Kernel">Name of the kernel.</param>
/// <param name="Operation">Name of the operation.</param>
/// <param name="Cases">Shapes and thread counts compared.</param>
/// <param name="DifferingValues">Values whose bits differ from the reference's; 0 when all is well.</param>
public sealed record SelfTestResult(string Kernel, string Operation, int Cases, long DifferingValues);

/// <summary>Runs every kernel this processor has against the reference and compares bits.</summary>
/// <remarks>
/// Goal: trust a board before it moves a motor. Method: the same seeded inputs go through the reference on one thread and through each
/// kernel on one, two and three threads, at shapes that leave a remainder in every tile and vector.
/// </remarks>
public static class KernelSelfTest
{
    private static readonly int[] ThreadCounts = [1, 2, 3];

    private static readonly OperationLimits Limits = new(MaxColumns: 4304, MaxKeys: 67, MaxKeyFeatures: 432);

    /// <summary>Runs all cases; about a second on a desk.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static IReadOnlyList<SelfTestResult> Run(CancellationToken cancellation)
    {
        var cases = SelfTestCase.All();
        var expected = new Dictionary<SelfTestCase, float[]>();
        using (var reference = new Operations(KernelSelector.Select("reference"), 1, Limits))
        {
            foreach (var testCase in cases)
            {
                expected[testCase] = testCase.Run(reference, cancellation);
            }
        }

        var differing = new Dictionary<(string Kernel, string Operation), (int Cases, long Values)>();
        foreach (string kernel in KernelSelector.Available)
        {
            foreach (int threads in ThreadCounts)
            {
                using var operations = new Operations(KernelSelector.Select(kernel), threads, Limits);
                foreach (var testCase in cases)
                {
                    long values = Differences(expected[testCase], testCase.Run(operations, cancellation));
                    var sum = differing.GetValueOrDefault((kernel, testCase.Operation));
                    differing[(kernel, testCase.Operation)] = (sum.Cases + 1, sum.Values + values);
                }
            }
        }

        return [.. differing.Select(d => new SelfTestResult(d.Key.Kernel, d.Key.Operation, d.Value.Cases, d.Value.Values))];
    }

    private static long Differences(float[] expected, float[] found)
    {
        long count = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            count += BitConverter.SingleToUInt32Bits(expected[i]) == BitConverter.SingleToUInt32Bits(found[i]) ? 0 : 1;
        }

        return count;
    }
}
