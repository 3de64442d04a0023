using System.Collections;
using System.Text.Json;

namespace BitVla.Edge.Host.Configuration;

/// <summary>Where settings may come from.</summary>
/// <param name="File">Configuration file; null for none.</param>
/// <param name="Environment">Environment variables.</param>
/// <param name="Assignments">KEY=VALUE from the command line.</param>
internal sealed record SettingsSources(string? File, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Assignments)
{
    /// <summary>The variables of this process.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment { get; } =
        System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
}

/// <summary>Merges file, drop-ins, environment and command line; the later wins. What is wrong is said all at once.</summary>
internal sealed class SettingsLoader
{
    public const string DefaultFile = "/etc/bitvla-edge/bitvla-edge.json";
    public const string DropInFolder = "conf.d";

    private const long MaxFileBytes = 1 << 20;
    private const int MaxDropIns = 256;

    private static readonly JsonDocumentOptions Tolerant = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 8 };

    private readonly Dictionary<ConfigurationKey, Setting> given = [];
    private readonly List<string> files = [];
    private readonly List<string> problems = [];

    /// <summary>Reads all sources.</summary>
    /// <exception cref="ConfigurationException">Something is wrong; one line a problem.</exception>
    public static Settings Load(SettingsSources sources)
    {
        var (settings, problems) = Read(sources);
        return problems.Count == 0 ? settings : throw new ConfigurationException(string.Join('\n', problems));
    }

    /// <summary>Reads all sources and says what is wrong with them.</summary>
    public static (Settings Settings, IReadOnlyList<string> Problems) Read(SettingsSources sources)
    {
        var loader = new SettingsLoader();
        loader.ReadFiles(sources.File);
        foreach (var (name, value) in sources.Environment.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            if (name.StartsWith(ConfigurationKeys.EnvironmentPrefix, StringComparison.Ordinal))
            {
                string path = name[ConfigurationKeys.EnvironmentPrefix.Length..].Replace("__", ".", StringComparison.Ordinal).ToLowerInvariant();
                loader.Assign($"environment {name}", path, key => key.Parse(value));
            }
        }

        foreach (string assignment in sources.Assignments)
        {
            int split = assignment.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0)
            {
                loader.problems.Add($"--set: expected KEY=VALUE, found {assignment}");
                continue;
            }

            loader.Assign("command line", assignment[..split], key => key.Parse(assignment[(split + 1)..]));
        }

        return (new Settings(loader.given, loader.files), loader.problems);
    }

    private void ReadFiles(string? file)
    {
        if (file is null)
        {
            return;
        }

        ReadFile(file);
        string folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, DropInFolder);
        if (!Directory.Exists(folder))
        {
            return;
        }

        string[] dropIns = [.. Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal)];
        if (dropIns.Length > MaxDropIns)
        {
            problems.Add($"{folder}: expected at most {MaxDropIns} files, found {dropIns.Length}");
            return;
        }

        foreach (string dropIn in dropIns)
        {
            ReadFile(dropIn);
        }
    }

    private void ReadFile(string file)
    {
        try
        {
            long bytes = new FileInfo(file).Length;
            if (bytes > MaxFileBytes)
            {
                problems.Add($"{file}: expected at most {MaxFileBytes} bytes, found {bytes}");
                return;
            }

            files.Add(file);
            using var document = JsonDocument.Parse(File.ReadAllBytes(file), Tolerant);
            ReadObject(file, "", document.RootElement);
        }
        catch (JsonException cause)
        {
            problems.Add($"{file}: line {cause.LineNumber + 1}, byte {cause.BytePositionInLine + 1}: {cause.Message.Split(" LineNumber:")[0]}");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{file}: expected a readable file, found: {cause.Message}");
        }
    }

    private void ReadObject(string file, string path, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{file}: {(path.Length == 0 ? "" : path + ": ")}expected an object, found {element.ValueKind}");
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in element.EnumerateObject())
        {
            string inner = path.Length == 0 ? member.Name : $"{path}.{member.Name}";
            if (!seen.Add(member.Name))
            {
                problems.Add($"{file}: {inner}: given twice");
            }
            else if (ConfigurationKeys.All.Any(key => key.Path.StartsWith(inner + ".", StringComparison.Ordinal)))
            {
                ReadObject(file, inner, member.Value);
            }
            else if (inner != "$schema")
            {
                Assign(file, inner, key => key.Read(member.Value));
            }
        }
    }

    private void Assign(string origin, string path, Func<ConfigurationKey, object> read)
    {
        if (ConfigurationKeys.Find(path) is not { } key)
        {
            problems.Add($"{origin}: {path}: unknown key; the nearest is {ConfigurationKeys.Nearest(path)}");
            return;
        }

        try
        {
            given[key] = new Setting(read(key), origin);
        }
        catch (SettingValueException wrong)
        {
            problems.Add($"{origin}: {path}: {wrong.Message}");
        }
    }
}
