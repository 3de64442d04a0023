using BitVla.Format;
using BitVla.Kernels;

namespace BitVla.Model.Action;

/// <summary>MLP-ResNet action head: K·A normed hidden states, A at a time, to K rows of A normalised actions.</summary>
/// <remarks>
/// Shape: hidden [K, A·D] (the read-out rows as they lie) to [K, A]. Source: L1RegressionActionHead, MLPResNet in
/// prismatic/models/action_heads.py; BITVLA.md section 9.
/// </remarks>
internal sealed unsafe class ActionHead
{
    // LayerNorm's default in PyTorch; the head does not set another.
    private const float Epsilon = 1e-5f;

    private readonly ModelGeometry g;
    private readonly Operations operations;
    private readonly DenseLinear first;
    private readonly LayerNormWeights norm1;
    private readonly (LayerNormWeights Norm, DenseLinear Linear)[] blocks;
    private readonly LayerNormWeights norm2;
    private readonly DenseLinear last;
    private readonly float* normed;
    private readonly float* h;
    private readonly float* t;

    public ActionHead(PackedModel model, Operations operations, Arena arena)
    {
        g = model.Manifest.Geometry;
        this.operations = operations;
        first = Weights.Dense(model, TensorNames.HeadWeight1, TensorNames.HeadBias1, g.Width, g.ActionDim * g.Width);
        norm1 = Weights.Norm(model, TensorNames.HeadNorm1Weight, TensorNames.HeadNorm1Bias);
        norm2 = Weights.Norm(model, TensorNames.HeadNorm2Weight, TensorNames.HeadNorm2Bias);
        blocks = [.. Enumerable.Range(0, g.HeadBlocks).Select(b =>
        {
            string Name(string part, string kind) => TensorNames.HeadBlock(b, part, kind);
            return (Weights.Norm(model, Name("norm", "weight"), Name("norm", "bias")), Weights.Dense(model, Name("fc", "weight"), Name("fc", "bias"), g.Width, g.Width));
        })];
        last = Weights.Dense(model, TensorNames.HeadWeight2, TensorNames.HeadBias2, g.ActionDim, g.Width);
        normed = arena.Place<float>((long)g.ActionSlots * g.Width);
        h = arena.Place<float>((long)g.ChunkLength * g.Width);
        t = arena.Place<float>((long)g.ChunkLength * g.Width);
        Output = arena.Place<float>(g.ActionSlots);
    }

    /// <summary>Normalised actions [K, A].</summary>
    public float* Output { get; }

    /// <summary>Runs the head on the read-out rows.</summary>
    public void Run(float* hidden, DoorwayTrace? trace, CancellationToken cancellation)
    {
        int k = g.ChunkLength;
        int input = g.ActionDim * g.Width;
        trace?.Record("head.input", hidden, k, input);
        operations.LayerNorm(hidden, input, k, input, norm1.Weight, norm1.Bias, Epsilon, normed, input, cancellation);
        trace?.Record("head.layer_norm1", normed, k, input);
        operations.Dense(first.Weight, normed, input, k, first.Bias, h, g.Width, OutputMode.Store, cancellation);
        trace?.Record("head.fc1", h, k, g.Width);
        operations.Relu(h, g.Width, k, g.Width, cancellation);
        for (int b = 0; b < blocks.Length; b++)
        {
            var (norm, linear) = blocks[b];
            operations.LayerNorm(h, g.Width, k, g.Width, norm.Weight, norm.Bias, Epsilon, normed, g.Width, cancellation);
            operations.Dense(linear.Weight, normed, g.Width, k, linear.Bias, t, g.Width, OutputMode.Store, cancellation);
            operations.Relu(t, g.Width, k, g.Width, cancellation);
            operations.AddRows(t, g.Width, k, h, g.Width, k, g.Width, cancellation);
            trace?.Record($"head.block.{b}", h, k, g.Width);
        }

        operations.LayerNorm(h, g.Width, k, g.Width, norm2.Weight, norm2.Bias, Epsilon, normed, g.Width, cancellation);
        trace?.Record("head.layer_norm2", normed, k, g.Width);
        operations.Dense(last.Weight, normed, g.Width, k, last.Bias, Output, g.ActionDim, OutputMode.Store, cancellation);
        trace?.Record("head.output", Output, k, g.ActionDim);
    }
}
