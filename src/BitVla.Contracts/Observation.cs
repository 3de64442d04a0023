namespace BitVla.Contracts;

/// <summary>What the robot sees, feels and was told at one moment.</summary>
/// <remarks>Shape: <see cref="Frames"/> N pictures in the model's camera order; <see cref="Proprio"/> [Dp] in the dataset's units.</remarks>
public sealed class Observation
{
    /// <summary>Creates an observation over values that must not change while it is used.</summary>
    public Observation(IReadOnlyList<CameraFrame> frames, ReadOnlyMemory<double> proprio, string instruction)
    {
        Frames = frames;
        Proprio = proprio;
        Instruction = instruction;
    }

    /// <summary>One picture a camera, in the model's order.</summary>
    public IReadOnlyList<CameraFrame> Frames { get; }

    /// <summary>Robot state in the layout of the checkpoint; empty for a model without proprioception.</summary>
    public ReadOnlyMemory<double> Proprio { get; }

    /// <summary>What to do, as a person says it.</summary>
    public string Instruction { get; }
}
