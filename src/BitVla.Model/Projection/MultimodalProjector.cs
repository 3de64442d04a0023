using BitVla.Format;
using BitVla.Kernels;

namespace BitVla.Model.Projection;

/// <summary>The connector: two bf16 linears with an exact GELU between, [N·P, Dv] to [N·P, D].</summary>
/// <remarks>Source: LlavaMultiModalProjector; BITVLA.md section 6.</remarks>
internal sealed unsafe class MultimodalProjector
{
    private readonly ModelGeometry g;
    private readonly Operations operations;
    private readonly DenseLinear first;
    private readonly DenseLinear second;
    private readonly float* hidden;

    public MultimodalProjector(PackedModel model, Operations operations, Arena arena)
    {
        g = model.Manifest.Geometry;
        this.operations = operations;
        first = Weights.Dense(model, TensorNames.ConnectorWeight1, TensorNames.ConnectorBias1, g.Width, g.VisionWidth);
        second = Weights.Dense(model, TensorNames.ConnectorWeight2, TensorNames.ConnectorBias2, g.Width, g.Width);
        hidden = arena.Place<float>((long)g.ImageTokens * g.Width);
    }

    /// <summary>Writes the image tokens [N·P, D] to y, rows D apart.</summary>
    public void Run(float* features, float* y, DoorwayTrace? trace, CancellationToken cancellation)
    {
        operations.Dense(first.Weight, features, g.VisionWidth, g.ImageTokens, first.Bias, hidden, g.Width, OutputMode.Store, cancellation);
        operations.GeluErf(hidden, g.Width, g.ImageTokens, g.Width, cancellation);
        operations.Dense(second.Weight, hidden, g.Width, g.ImageTokens, second.Bias, y, g.Width, OutputMode.Store, cancellation);
        trace?.Record("projector", y, g.ImageTokens, g.Width);
    }
}
