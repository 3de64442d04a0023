namespace BitVla.Contracts;

/// <summary>What the action head says: dimensionless, nominally in [-1, 1] but not clamped. No motor accepts it.</summary>
public sealed class NormalizedActionChunk
{
    private readonly float[] values;

    /// <summary>Creates an empty chunk.</summary>
    public NormalizedActionChunk(int chunkLength, int actionDim)
    {
        ChunkLength = chunkLength;
        ActionDim = actionDim;
        values = new float[chunkLength * actionDim];
    }

    /// <summary>Steps K.</summary>
    public int ChunkLength { get; }

    /// <summary>Numbers a step A.</summary>
    public int ActionDim { get; }

    /// <summary>Values [K, A], row-major.</summary>
    public Span<float> Values => values;
}
