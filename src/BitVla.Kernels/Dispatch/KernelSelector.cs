namespace BitVla.Kernels.Dispatch;

/// <summary>The one place that chooses kernels.</summary>
public static class KernelSelector
{
    /// <summary>Names of every kernel set this source has, best first.</summary>
    public static IReadOnlyList<string> Names => ["avx2", "neon-dot", "reference"];

    /// <summary>Names of the kernel sets this processor and this binary can run, best first.</summary>
    public static IReadOnlyList<string> Available => ["reference"];

    /// <summary>Chooses the best kernel set, or the forced one.</summary>
    /// <exception cref="KernelUnavailableException">The forced name is unknown, or the processor or this binary lacks it.</exception>
    public static KernelChoice Select(string? forced) => new(forced ?? "reference", "skeleton");
}
