namespace BitVla.Model.Tests.Preprocessing;

internal static class GreyLevels
{
    /// <summary>Reports how two images differ and asserts the bounds.</summary>
    public static void AssertClose(string what, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, int maximumDifference, int maximumCount)
    {
        Assert.Equal(expected.Length, actual.Length);
        int count = 0, largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            int difference = Math.Abs(expected[i] - actual[i]);
            count += difference == 0 ? 0 : 1;
            largest = Math.Max(largest, difference);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {count} of {expected.Length} bytes differ, at most by {largest}.");
        Assert.True(
            largest <= maximumDifference && count <= maximumCount,
            $"{what}: {count} of {expected.Length} bytes differ by up to {largest}; allowed {maximumCount} by {maximumDifference}.");
    }
}
