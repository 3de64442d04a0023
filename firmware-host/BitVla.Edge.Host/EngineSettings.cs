using System.Globalization;
using BitVla.Kernels.Threading;
using Microsoft.Extensions.Configuration;

namespace BitVla.Edge.Host;

/// <summary>Where the engine's settings come from when the command line is silent: BITVLA__ENGINE__KERNEL, BITVLA__ENGINE__THREADS.</summary>
internal static class EngineSettings
{
    private static readonly IConfigurationRoot Configuration = new ConfigurationBuilder().AddEnvironmentVariables("BITVLA__").Build();

    /// <summary>Forced kernel; null lets the selector choose.</summary>
    public static string? Kernel(string? option) => option ?? Configuration["ENGINE:KERNEL"];

    /// <summary>Thread count; null takes all cores.</summary>
    /// <exception cref="ConfigurationException">Not a count.</exception>
    public static int? Threads(int? option)
    {
        string? text = option?.ToString(CultureInfo.InvariantCulture) ?? Configuration["ENGINE:THREADS"];
        if (text is null)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads) && threads is >= 1 and <= WorkerPool.MaxThreads
            ? threads
            : throw new ConfigurationException($"engine.threads: expected 1 to {WorkerPool.MaxThreads}, found {text}");
    }
}
