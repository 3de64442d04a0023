using System.Globalization;

namespace BitVla.Edge.Host;

/// <summary>Resident memory of this process as the kernel counts it.</summary>
internal static class ProcessMemory
{
    /// <summary>Most bytes ever resident, file pages of the map included; 0 where /proc is not to be had.</summary>
    public static long PeakResidentBytes => Read("VmHWM:");

    /// <summary>Bytes resident now.</summary>
    public static long ResidentBytes => Read("VmRSS:");

    private static long Read(string field)
    {
        const string Status = "/proc/self/status";
        if (!File.Exists(Status))
        {
            return 0;
        }

        string? line = File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(field, StringComparison.Ordinal));
        return line is null ? 0 : 1024 * long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
