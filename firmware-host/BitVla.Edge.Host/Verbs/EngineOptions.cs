using System.CommandLine;
using BitVla.Kernels.Dispatch;
using BitVla.Model;

namespace BitVla.Edge.Host.Verbs;

/// <summary>Options of every verb that runs the engine.</summary>
internal static class EngineOptions
{
    public static Option<int?> Threads { get; } = new("--threads") { Description = "Threads; all cores otherwise (environment BITVLA__ENGINE__THREADS)." };

    public static Option<string?> Kernel { get; } = new("--kernel")
    {
        Description = $"Kernel to force: {string.Join(", ", KernelSelector.Names)} (environment BITVLA__ENGINE__KERNEL). Refused where the processor or this binary lacks it.",
    };

    public static PolicyOptions Read(ParseResult parse) => new()
    {
        Kernel = EngineSettings.Kernel(parse.GetValue(Kernel)),
        Threads = EngineSettings.Threads(parse.GetValue(Threads)),
    };
}
