namespace BitVla.Contracts;

/// <summary>K actions of A numbers in the dataset's units, from one pass.</summary>
/// <remarks>
/// <see cref="Actions"/> is the un-normalised output; <see cref="EnvironmentActions"/> is the same with the gripper turned into
/// <see cref="GripperConvention"/>. A chunk is a buffer: the policy fills it anew at each pass and allocates nothing.
/// </remarks>
public sealed class ActionChunk
{
    private readonly double[] actions;
    private readonly double[] environmentActions;

    /// <summary>Creates an empty chunk.</summary>
    public ActionChunk(int chunkLength, int actionDim)
    {
        Normalized = new NormalizedActionChunk(chunkLength, actionDim);
        actions = new double[chunkLength * actionDim];
        environmentActions = new double[chunkLength * actionDim];
    }

    /// <summary>Steps K.</summary>
    public int ChunkLength => Normalized.ChunkLength;

    /// <summary>Numbers a step A.</summary>
    public int ActionDim => Normalized.ActionDim;

    /// <summary>What the head said, before units.</summary>
    public NormalizedActionChunk Normalized { get; }

    /// <summary>Values [K, A] in the dataset's units, row-major; the gripper as the model gives it.</summary>
    public Span<double> Actions => actions;

    /// <summary>Values [K, A] with the gripper in <see cref="GripperConvention"/>.</summary>
    public Span<double> EnvironmentActions => environmentActions;

    /// <summary>Name of the gripper's convention.</summary>
    public string GripperConvention { get; set; } = "";

    /// <summary>The statistics that gave the units.</summary>
    public string UnnormKey { get; set; } = "";

    /// <summary>Tokens S of the pass.</summary>
    public int SequenceLength { get; set; }
}
