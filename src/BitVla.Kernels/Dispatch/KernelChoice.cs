using BitVla.Kernels.Ternary;

namespace BitVla.Kernels.Dispatch;

/// <summary>A kernel set that this processor and this binary can run, and the reason it was chosen.</summary>
/// <param name="Name">Name as <c>--kernel</c> takes it: reference, avx2, neon-dot.</param>
/// <param name="Reason">One line: why this one, and what was passed over.</param>
public sealed record KernelChoice(string Name, string Reason)
{
    /// <summary>The lanes of the float stages that belong to this set.</summary>
    public FloatPath FloatPath { get; internal init; } = FloatPath.Portable;

    /// <summary>The ternary kernel of this set.</summary>
    internal ITernaryKernel Ternary { get; init; } = new TernaryKernelReference();
}
