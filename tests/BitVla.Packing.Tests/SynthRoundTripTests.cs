using BitVla.Format;
using BitVla.Packing.Synth;

namespace BitVla.Packing.Tests;

/// <summary>Two ways to a packed file: written as such, or as a checkpoint that is then packed.</summary>
public sealed class SynthRoundTripTests
{
    private static readonly CameraSpec[] NoCameras = [];

    // Goal: every tensor but the scales is the same. Scales follow from the latents' mean, which the direct way does not know.
    [Theory]
    [InlineData("tiny", true, 8)]
    [InlineData("tiny", false, 0)]
    [InlineData("awkward", true, 8)]
    public void Pack_SynthCheckpoint_EqualsSynthFileButForScales(string preset, bool visionTernary, int proprioDim)
    {
        using var folder = new TempFolder();
        var cancellation = TestContext.Current.CancellationToken;
        var geometry = SynthPresets.Geometry(preset) with { VisionTernary = visionTernary, ProprioDim = proprioDim, HasLmHead = true };
        var synth = new SynthModel("s", geometry, 20260102, null);
        synth.Write(folder.At("direct.bitvla"), cancellation);
        CheckpointWriter.Write(synth, folder.At("checkpoint"), cancellation);
        var options = new PackOptions { ChunkLength = geometry.ChunkLength, Cameras = geometry.Cameras, WithLmHead = true };
        TestPacker.Pack(folder.At("checkpoint"), folder.At("packed.bitvla"), options);

        using var direct = PackedModel.Open(folder.At("direct.bitvla"));
        using var packed = PackedModel.Open(folder.At("packed.bitvla"));
        Assert.Equal(geometry with { Cameras = NoCameras }, packed.Manifest.Geometry with { Cameras = NoCameras });
        Assert.Equal(direct.Document.Tensors.Select(t => t.Name), packed.Document.Tensors.Select(t => t.Name));
        foreach (var tensor in direct.Document.Tensors.Where(t => !t.Name.EndsWith(".scale", StringComparison.Ordinal)))
        {
            var other = packed.Tensor(tensor.Name);
            Assert.True(direct.Bytes(tensor, 0, (int)tensor.Bytes).SequenceEqual(packed.Bytes(other, 0, (int)other.Bytes)), tensor.Name);
        }
    }
}
