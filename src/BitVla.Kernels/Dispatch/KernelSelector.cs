using BitVla.Kernels.Ternary;

namespace BitVla.Kernels.Dispatch;

/// <summary>The one place that chooses kernels.</summary>
public static class KernelSelector
{
    // Best first. A rank's test is asked once, here, before any of its code is entered: in a native binary a kernel
    // that the processor lacks is an illegal instruction, not an exception.
    private static readonly Rank[] Ranks =
    [
        new("avx2", FloatPath.Avx2, IsaProbe.Avx2, new TernaryKernelAvx2Mac(),
            "256-bit byte multiply-add, the widest product this source has for x64",
            "needs an x64 processor with AVX2 and FMA, and a binary compiled for x86-64-v3"),
        new("neon-dot", FloatPath.Neon, IsaProbe.NeonDot, new TernaryKernelNeonDot(),
            "16 multiply-adds in one dot-product instruction",
            "needs an ARM processor with dot product (Cortex-A55, A76 or later)"),
        new("reference", FloatPath.Portable, true, new TernaryKernelReference(),
            "plain loops that run on every processor",
            "runs everywhere"),
    ];

    /// <summary>Names of every kernel set this source has, best first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Ranks.Select(rank => rank.Name)];

    /// <summary>Names of the kernel sets this processor and this binary can run, best first.</summary>
    public static IReadOnlyList<string> Available { get; } = [.. Ranks.Where(rank => rank.Available).Select(rank => rank.Name)];

    /// <summary>Chooses the best kernel set, or the forced one.</summary>
    /// <exception cref="KernelUnavailableException">The forced name is unknown, or the processor or this binary lacks it.</exception>
    public static KernelChoice Select(string? forced)
    {
        if (forced is null)
        {
            Rank best = Array.Find(Ranks, rank => rank.Available)!;
            IEnumerable<string> passedOver = Ranks.TakeWhile(rank => rank != best)
                .Select(rank => $"; passed over {rank.Name}: {rank.Lack}");
            return Choose(best, best.Merit + string.Concat(passedOver));
        }

        Rank? named = Array.Find(Ranks, rank => rank.Name == forced);
        if (named is null)
        {
            throw new KernelUnavailableException(
                $"There is no kernel named '{forced}'; this source has {string.Join(", ", Names)}, "
                + $"of which this processor and binary can run {string.Join(", ", Available)}.");
        }

        return named.Available
            ? Choose(named, $"forced by name; {named.Merit}")
            : throw new KernelUnavailableException(
                $"Kernel '{forced}' cannot run here: it {named.Lack}. This processor and binary can run {string.Join(", ", Available)}.");
    }

    private static KernelChoice Choose(Rank rank, string reason) =>
        new(rank.Name, reason) { FloatPath = rank.FloatPath, Ternary = rank.Ternary };

    private sealed record Rank(string Name, FloatPath FloatPath, bool Available, ITernaryKernel Ternary, string Merit, string Lack);
}
