using System.CommandLine;
using BitVla.Edge.Host.Configuration;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad check</c>: what <c>run</c> would be told, where each value comes from, and what is wrong with it.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("check", "Reads the settings as run would and says each value, its origin and every error.") { SettingsOptions.Config, SettingsOptions.Set, json };
        command.SetAction(parse => Run(SettingsOptions.Read(parse), parse.GetValue(json)));
        return command;
    }

    private static int Run(SettingsSources sources, bool json)
    {
        var (settings, wrong) = SettingsLoader.Read(sources);
        string[] problems = [.. wrong, .. DaemonSettings.Problems(settings)];
        if (json)
        {
            PrintJson(settings, problems);
        }
        else
        {
            PrintText(settings, problems);
        }

        return problems.Length == 0 ? ExitCode.Ok : ExitCode.Configuration;
    }

    private static void PrintText(Settings settings, string[] problems)
    {
        int width = ConfigurationKeys.All.Max(key => key.Path.Length);
        foreach (var key in ConfigurationKeys.All)
        {
            var setting = settings[key];
            string value = key.Show(setting.Value);
            string shown = value.Length == 0 ? "-" : key.Unit.Length == 0 ? value : $"{value} {key.Unit}";
            Console.WriteLine($"{key.Path.PadRight(width)}  {shown}  ({setting.Origin})");
        }

        foreach (string problem in problems)
        {
            Console.Error.WriteLine($"bitvlad: {problem}");
        }

        Console.WriteLine(problems.Length == 0 ? "ok" : $"{problems.Length} wrong");
    }

    private static void PrintJson(Settings settings, string[] problems) => JsonOutput.Print(writer =>
    {
        writer.WriteBoolean("ok", problems.Length == 0);
        writer.WriteStartArray("files");
        foreach (string file in settings.Files)
        {
            writer.WriteStringValue(file);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("problems");
        foreach (string problem in problems)
        {
            writer.WriteStringValue(problem);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("settings");
        foreach (var key in ConfigurationKeys.All)
        {
            writer.WriteStartObject();
            writer.WriteString("key", key.Path);
            key.Write(writer, "value", settings[key].Value);
            key.Write(writer, "default", key.DefaultValue);
            writer.WriteString("origin", settings[key].Origin);
            writer.WriteString("unit", key.Unit);
            writer.WriteString("meaning", key.Meaning);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });
}
