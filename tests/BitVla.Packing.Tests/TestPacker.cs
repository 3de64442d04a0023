namespace BitVla.Packing.Tests;

/// <summary>Packs under the test's own cancellation.</summary>
internal static class TestPacker
{
    public static PackSummary Pack(string checkpoint, string output, PackOptions options) =>
        CheckpointPacker.Pack(checkpoint, output, options, null, TestContext.Current.CancellationToken);
}
