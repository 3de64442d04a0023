using System.CommandLine;
using BitVla.Edge.Host.Configuration;

namespace BitVla.Edge.Host.Verbs;

/// <summary>Options of the verbs that read the daemon's settings.</summary>
internal static class SettingsOptions
{
    public static Option<string?> Config { get; } = new("--config")
    {
        Description = $"Configuration file; {SettingsLoader.DefaultFile} if it exists. {SettingsLoader.DropInFolder}/*.json beside it follow, then the environment.",
        HelpName = "FILE",
    };

    public static Option<string[]> Set { get; } = new("--set") { Description = "A single setting, stronger than all others; repeatable.", HelpName = "KEY=VALUE" };

    public static SettingsSources Read(ParseResult parse) => new(
        parse.GetValue(Config) ?? (File.Exists(SettingsLoader.DefaultFile) ? SettingsLoader.DefaultFile : null),
        SettingsSources.ProcessEnvironment,
        parse.GetValue(Set) ?? []);
}
