namespace BitVla.Kernels;

/// <summary>The largest operation a model will ask for; scratch memory is sized from it once, at load.</summary>
/// <param name="MaxColumns">Largest number of features of a row (feed-forward width, head input width).</param>
/// <param name="MaxKeys">Largest number of keys of one attention batch.</param>
/// <param name="MaxKeyFeatures">Largest batches · kvHeads · headDim, the width of the transposed keys.</param>
public sealed record OperationLimits(int MaxColumns, int MaxKeys, int MaxKeyFeatures)
{
    /// <summary>Bytes that attention's rearranged keys and values take: by far the largest scratch.</summary>
    public long PanelBytes => 2L * MaxKeyFeatures * MaxKeys * sizeof(float);
}
