namespace BitVla.Kernels;

/// <summary>What a product does with its destination.</summary>
public enum OutputMode
{
    /// <summary>y = r.</summary>
    Store,

    /// <summary>y = fl(y + r): the residual stream, one addition after r is complete.</summary>
    Add,
}
