namespace BitVla.Format;

/// <summary>Normalisation statistics of one dataset: what an un-normalisation key names.</summary>
/// <remarks>
/// Shape: action arrays [A], proprio arrays [Dp]. Units: those of the dataset. A mask of false leaves the value as it is.
/// Source: dataset_statistics.json.
/// </remarks>
public sealed record ModelStatistics
{
    /// <summary>The first index where q99 lies below q01, or so far above it that the difference overflows; -1 when there is none.</summary>
    public static int IndexOfBadBounds(ReadOnlySpan<double> q01, ReadOnlySpan<double> q99)
    {
        for (int i = 0; i < q01.Length; i++)
        {
            // Equal bounds occur (a joint that never moved) and are defined; the other order is no quantile.
            if (!(q01[i] <= q99[i]) || !double.IsFinite(q99[i] - q01[i]))
            {
                return i;
            }
        }

        return -1;
    }

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
