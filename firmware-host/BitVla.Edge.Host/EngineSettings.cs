using System.Globalization;
using BitVla.Edge.Host.Configuration;

namespace BitVla.Edge.Host;

/// <summary>Where the engine's settings come from when the command line of <c>act</c> and <c>bench</c> is silent: the environment.</summary>
internal static class EngineSettings
{
    private static readonly Lazy<Settings> Environment = new(() => SettingsLoader.Load(new SettingsSources(null, SettingsSources.ProcessEnvironment, [])));

    /// <summary>Forced kernel; null lets the selector choose.</summary>
    public static string? Kernel(string? option) => option ?? Environment.Value.TextOf(ConfigurationKeys.EngineKernel);

    /// <summary>Thread count; null takes all cores.</summary>
    /// <exception cref="ConfigurationException">Not a count.</exception>
    public static int? Threads(int? option)
    {
        var key = ConfigurationKeys.EngineThreads;
        try
        {
            return option is { } threads ? (int)key.Parse(threads.ToString(CultureInfo.InvariantCulture)) : Environment.Value.Of(key);
        }
        catch (SettingValueException wrong)
        {
            throw new ConfigurationException($"{key.Path}: {wrong.Message}");
        }
    }
}
