using BitVla.Format;
using BitVla.Kernels;

namespace BitVla.Model.Vision;

/// <summary>SigLIP encoder up to the tapped layer: pixel values to features, all images as one batch.</summary>
/// <remarks>
/// Shape: pixels [N, 3, H, H] to features [N·P, Dv]. Source: modeling_siglip.py of the authors; BITVLA.md section 6.
/// </remarks>
internal sealed unsafe class SiglipVisionTower
{
    private readonly ModelGeometry g;
    private readonly Operations operations;
    private readonly DenseLinear patchEmbedding;
    private readonly float* positions;
    private readonly VisionLayer[] layers;
    private readonly float* patches;
    private readonly float* qkv;
    private readonly float* context;
    private readonly float* feedForward;
    private readonly QuantizedActivations narrow;
    private readonly QuantizedActivations wide;

    public SiglipVisionTower(PackedModel model, Operations operations, Arena arena)
    {
        g = model.Manifest.Geometry;
        this.operations = operations;
        int rows = g.ImageTokens;
        patchEmbedding = Weights.Dense(model, TensorNames.PatchWeight, TensorNames.PatchBias, g.VisionWidth, g.PatchValues);
        positions = model.Floats(TensorNames.VisionPosition);
        layers = [.. Enumerable.Range(0, g.VisionLayers).Select(i => new VisionLayer(model, i))];
        X = arena.Place<float>((long)rows * g.VisionWidth);
        patches = arena.Place<float>((long)rows * g.PatchValues);
        qkv = arena.Place<float>((long)rows * 3 * g.VisionWidth);
        context = arena.Place<float>((long)rows * g.VisionWidth);
        feedForward = arena.Place<float>((long)rows * g.VisionFeedForward);
        float* scale = arena.Place<float>(rows);
        sbyte* levels = arena.Place<sbyte>((long)rows * QuantizedActivations.StrideFor(Math.Max(g.VisionWidth, g.VisionFeedForward)));
        narrow = new QuantizedActivations(levels, scale, rows, g.VisionWidth);
        wide = new QuantizedActivations(levels, scale, rows, g.VisionFeedForward);
    }

    /// <summary>The residual stream [N·P, Dv]; after the last layer, the features.</summary>
    public float* X { get; }

    /// <summary>Runs all layers.</summary>
    public void Run(float* pixels, DoorwayTrace? trace, CancellationToken cancellation)
    {
        Embed(pixels, cancellation);
        trace?.Record("vision.embeddings", X, g.ImageTokens, g.VisionWidth);
        for (int i = 0; i < layers.Length; i++)
        {
            RunLayer(i, cancellation);
            trace?.Record($"vision.layer.{i}", X, g.ImageTokens, g.VisionWidth);
        }
    }

    /// <summary>Patch convolution as a product, plus the learned position of each patch.</summary>
    public void Embed(float* pixels, CancellationToken cancellation)
    {
        GatherPatches(pixels);
        operations.Dense(
            patchEmbedding.Weight, patches, g.PatchValues, g.ImageTokens, patchEmbedding.Bias, X, g.VisionWidth, OutputMode.Store, cancellation);
        operations.AddRows(positions, g.VisionWidth, g.Patches, X, g.VisionWidth, g.ImageTokens, g.VisionWidth, cancellation);
    }

    /// <summary>One encoder layer on <see cref="X"/>, in place.</summary>
    public void RunLayer(int index, CancellationToken cancellation)
    {
        var layer = layers[index];
        int width = g.VisionWidth;
        float scale = Weights.AttentionScale(g.VisionHeadDim);
        Norm(layer.Norm1, cancellation);
        Linear(layer.Qkv, narrow, context, qkv, 3 * width, OutputMode.Store, cancellation);
        operations.Attention(
            qkv, 3 * width, qkv + width, 3 * width, qkv + 2 * width, 3 * width,
            g.Cameras.Count, g.Patches, g.Patches, g.VisionHeads, g.VisionHeads, g.VisionHeadDim, scale, context, width, cancellation);
        if (g.VisionTernary)
        {
            operations.Quantize(context, width, narrow, cancellation);
        }

        Linear(layer.Out, narrow, context, X, width, OutputMode.Add, cancellation);
        Norm(layer.Norm2, cancellation);
        Linear(layer.Up, narrow, context, feedForward, g.VisionFeedForward, OutputMode.Store, cancellation);
        if (g.VisionTernary)
        {
            operations.GeluTanhQuantize(feedForward, g.VisionFeedForward, wide, cancellation);
        }
        else
        {
            operations.GeluTanh(feedForward, g.VisionFeedForward, g.ImageTokens, g.VisionFeedForward, cancellation);
        }

        Linear(layer.Down, wide, feedForward, X, width, OutputMode.Add, cancellation);
    }

    // LayerNorm of the residual stream: into int8 levels for the ternary tower, into plain floats for the bf16 one.
    private void Norm(LayerNormWeights norm, CancellationToken cancellation)
    {
        int width = g.VisionWidth;
        if (g.VisionTernary)
        {
            operations.LayerNormQuantize(X, width, norm.Weight, norm.Bias, g.VisionEpsilon, narrow, cancellation);
        }
        else
        {
            operations.LayerNorm(X, width, g.ImageTokens, width, norm.Weight, norm.Bias, g.VisionEpsilon, context, width, cancellation);
        }
    }

    private void Linear(
        in VisionLinear linear, in QuantizedActivations levels, float* plain, float* y, int yStride, OutputMode mode, CancellationToken cancellation)
    {
        if (g.VisionTernary)
        {
            operations.BitLinear(linear.Ternary.Weight, levels, linear.Ternary.Bias, y, yStride, mode, cancellation);
        }
        else
        {
            operations.Dense(linear.Dense.Weight, plain, levels.Columns, g.ImageTokens, linear.Dense.Bias, y, yStride, mode, cancellation);
        }
    }

    // Flattened as (channel, y, x), the convolution weight's order; patches row-major from the top left.
    private void GatherPatches(float* pixels)
    {
        int size = g.ImageSize;
        int patch = g.PatchSize;
        int across = size / patch;
        float* target = patches;
        for (int image = 0; image < g.Cameras.Count; image++)
        {
            for (int p = 0; p < g.Patches; p++)
            {
                for (int channel = 0; channel < 3; channel++)
                {
                    for (int y = 0; y < patch; y++, target += patch)
                    {
                        long row = ((long)(image * 3 + channel) * size + p / across * patch + y) * size + p % across * patch;
                        new ReadOnlySpan<float>(pixels + row, patch).CopyTo(new Span<float>(target, patch));
                    }
                }
            }
        }
    }
}
