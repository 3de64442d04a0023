using BitVla.Format;
using BitVla.Kernels;

namespace BitVla.Model.Projection;

/// <summary>Normalised robot state [1, Dp] to one token [1, D]: two bf16 linears with an exact GELU between.</summary>
/// <remarks>Source: ProprioProjector of the authors' prismatic/models/projectors.py; BITVLA.md section 8.</remarks>
internal sealed unsafe class ProprioProjector
{
    private readonly ModelGeometry g;
    private readonly Operations operations;
    private readonly DenseLinear first;
    private readonly DenseLinear second;
    private readonly float* hidden;

    public ProprioProjector(PackedModel model, Operations operations, Arena arena)
    {
        g = model.Manifest.Geometry;
        this.operations = operations;
        first = Weights.Dense(model, TensorNames.ProprioWeight1, TensorNames.ProprioBias1, g.Width, g.ProprioDim);
        second = Weights.Dense(model, TensorNames.ProprioWeight2, TensorNames.ProprioBias2, g.Width, g.Width);
        hidden = arena.Place<float>(g.Width);
        Input = arena.Place<float>(g.ProprioDim);
    }

    /// <summary>The normalised state [Dp], in [-1, 1], to fill before <see cref="Run"/>.</summary>
    public float* Input { get; }

    /// <summary>Writes the proprio token [D] to y.</summary>
    public void Run(float* y, DoorwayTrace? trace, CancellationToken cancellation)
    {
        trace?.Record("proprio.normalized", Input, 1, g.ProprioDim);
        operations.Dense(first.Weight, Input, g.ProprioDim, 1, first.Bias, hidden, g.Width, OutputMode.Store, cancellation);
        operations.GeluErf(hidden, g.Width, 1, g.Width, cancellation);
        operations.Dense(second.Weight, hidden, g.Width, 1, second.Bias, y, g.Width, OutputMode.Store, cancellation);
        trace?.Record("proprio.projected", y, 1, g.Width);
    }
}
