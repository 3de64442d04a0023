namespace BitVla.Format;

/// <summary>Normalisation statistics of one dataset: what an un-normalisation key names.</summary>
/// <remarks>
/// Shape: action arrays [A], proprio arrays [Dp]. Units: those of the dataset. A mask of false leaves the value as it is.
/// Source: dataset_statistics.json.
/// </remarks>
public sealed record ModelStatistics
{
    /// <summary>The un-normalisation key.</summary>
    public required string Name { get; init; }

    /// <summary>First percentile of each action.</summary>
    public required double[] ActionQ01 { get; init; }

    /// <summary>99th percentile of each action.</summary>
    public required double[] ActionQ99 { get; init; }

    /// <summary>Which actions are normalised.</summary>
    public required bool[] ActionMask { get; init; }

    /// <summary>First percentile of each proprioceptive value; empty when the model takes none.</summary>
    public required double[] ProprioQ01 { get; init; }

    /// <summary>99th percentile of each proprioceptive value; empty when the model takes none.</summary>
    public required double[] ProprioQ99 { get; init; }

    /// <summary>Which proprioceptive values are normalised.</summary>
    public required bool[] ProprioMask { get; init; }
}
