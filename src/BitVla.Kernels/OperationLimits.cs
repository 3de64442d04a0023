namespace BitVla.Kernels;

/// <summary>The largest operation a model will ask for; scratch memory is sized from it once, at load.</summary>
/// <param name="MaxRows">Largest number of tokens M of a product or of a row operation.</param>
/// <param name="MaxColumns">Largest number of features of a row (feed-forward width, head input width).</param>
/// <param name="MaxOutputs">Largest N of a ternary product.</param>
/// <param name="MaxKeys">Largest number of keys of one attention batch.</param>
/// <param name="MaxKeyFeatures">Largest batches · kvHeads · headDim, the width of the transposed keys.</param>
public sealed record OperationLimits(int MaxRows, int MaxColumns, int MaxOutputs, int MaxKeys, int MaxKeyFeatures);
