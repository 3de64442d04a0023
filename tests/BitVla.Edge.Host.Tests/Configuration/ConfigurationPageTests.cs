using System.Text.RegularExpressions;
using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Daemon;
using BitVla.TestKit;

namespace BitVla.Edge.Host.Tests.Configuration;

// docs/configuration.md and docs/daemon.md cannot lie: their tables are those of the code.
public sealed partial class ConfigurationPageTests
{
    private static string Page(string name) => File.ReadAllText(Path.Combine(Repository.Root, "docs", name));

    [Fact]
    public void ConfigurationPage_Table_IsTheTableOfKeys()
    {
        var rows = Row().Matches(Page("configuration.md")).Select(m => m.Value);
        Assert.Equal(ConfigurationKeys.All.Select(Expected), rows);
    }

    [Fact]
    public void DaemonPage_Codes_AreTheEventCodes()
    {
        var documented = Code().Matches(Page("daemon.md")).Select(m => m.Groups["code"].Value);
        var known = typeof(EventCodes).GetFields().Select(f => (string)f.GetRawConstantValue()!).Where(c => c.Contains('.', StringComparison.Ordinal));
        Assert.Equal(known.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static string Expected(ConfigurationKey key)
    {
        string value = key.DefaultValue is null ? "" : key.Show(key.DefaultValue);
        string shown = value.Length == 0 ? "-" : $"`{value}`";
        string unit = key.Unit.Length == 0 ? "-" : key.Unit;
        string allowed = key.Allowed.Length == 0 ? "-" : $"`{key.Allowed}`";
        return $"| `{key.Path}` | {key.TypeName} | {unit} | {shown} | {allowed} | {key.Meaning}{(key.Secret ? " Secret." : "")} |";
    }

    [GeneratedRegex(@"^\| `[a-z]+\.[a-z0-9_]+` \|.*$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| `(?<code>[A-Z]+\.[A-Z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Code();
}
