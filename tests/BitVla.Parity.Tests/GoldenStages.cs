using BitVla.Contracts;
using BitVla.Format;
using BitVla.Model;
using BitVla.Model.Action;
using BitVla.Model.Projection;

namespace BitVla.Parity.Tests;

/// <summary>Runs single stages of a policy on a golden case's own intermediate values.</summary>
internal sealed unsafe class GoldenStages(GoldenCase golden, BitVlaPolicy policy)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public BitVlaPolicy Policy => policy;

    private ModelStatistics Statistics => policy.Model.Manifest.Statistics.Single(s => s.Name == policy.Description.UnnormKey);

    public float[] VisionEmbeddings()
    {
        // The file holds the processor's output; the authors' action function casts it to bf16 in every run.
        Put("pixel_values", Array.ConvertAll(golden.Inputs.Floats("pixel_values"), BFloat16), policy.Pixels);
        policy.VisionTower.Embed(policy.Pixels, Token);
        return Take("vision.embeddings", policy.VisionTower.X);
    }

    public float[] VisionLayerInput(int layer) => golden.Outputs.Floats(layer == 0 ? "vision.embeddings" : $"vision.layer.{layer - 1}");

    public float[] VisionLayer(int layer)
    {
        Put("vision", VisionLayerInput(layer), policy.VisionTower.X);
        policy.VisionTower.RunLayer(layer, Token);
        return Take($"vision.layer.{layer}", policy.VisionTower.X);
    }

    public float[] Projector()
    {
        var g = policy.Model.Manifest.Geometry;
        Put("features", golden.Outputs.Floats($"vision.layer.{g.VisionLayers - 1}"), policy.VisionTower.X);
        using var y = new TestKit.GuardedBuffer<float>(g.ImageTokens * g.Width);
        policy.Projector.Run(policy.VisionTower.X, y.Start, null, Token);
        return y.Span.ToArray();
    }

    public float[] ProprioNormalized()
    {
        var normalized = new float[policy.Description.ProprioDim];
        new ProprioNormalizer(Statistics).Normalize(golden.Inputs.Doubles("state"), normalized);
        return normalized;
    }

    public float[] ProprioProjected()
    {
        var projector = policy.ProprioProjector!;
        Put("proprio", golden.Outputs.Floats("proprio.normalized"), projector.Input);
        using var y = new TestKit.GuardedBuffer<float>(policy.Model.Manifest.Geometry.Width);
        projector.Run(y.Start, null, Token);
        return y.Span.ToArray();
    }

    public float[] DecoderLayerInput(int layer) => golden.Outputs.Floats(layer == 0 ? "llm.inputs_embeds" : $"llm.layer.{layer - 1}");

    public float[] DecoderLayer(int layer)
    {
        Put("llm", DecoderLayerInput(layer), policy.Decoder.X);
        policy.Decoder.RunLayer(layer, golden.SequenceLength, 0, golden.SequenceLength, Token);
        return Take($"llm.layer.{layer}", policy.Decoder.X);
    }

    public float[] FinalNorm()
    {
        Put("llm", golden.Outputs.Floats($"llm.layer.{policy.Model.Manifest.Geometry.Layers - 1}"), policy.Decoder.X);
        policy.Decoder.RunFinalNorm(0, golden.SequenceLength, Token);
        return Take("llm.final_norm", policy.Decoder.Normed);
    }

    /// <summary>The head's stages from the golden read-out rows.</summary>
    public RecordedPass Head()
    {
        using var hidden = new TestKit.GuardedBuffer<float>(golden.Outputs.Floats("head.input"));
        var pass = new RecordedPass();
        policy.Head.Run(hidden.Start, pass, Token);
        return pass;
    }

    /// <summary>Un-normalised actions from the golden normalised ones.</summary>
    public ActionChunk Actions()
    {
        var manifest = policy.Model.Manifest;
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        golden.Outputs.Floats("normalized_actions").CopyTo(chunk.Normalized.Values);
        new ActionUnnormalizer(Statistics, manifest.GripperConvention).Apply(chunk);
        return chunk;
    }

    /// <summary>The nearest bf16 value, ties to even.</summary>
    public static float BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
    }

    private static void Put(string what, float[] values, float* target)
    {
        Assert.True(target != null, what);
        values.CopyTo(new Span<float>(target, values.Length));
    }

    private float[] Take(string doorway, float* values) => new ReadOnlySpan<float>(values, golden.Outputs.Floats(doorway).Length).ToArray();
}
