using BitVla.Edge.Host.Configuration;

namespace BitVla.Edge.Host.Tests.Configuration;

public sealed class SettingsLoaderTests : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Sources_All_LaterWinsAndOriginIsKept()
    {
        string file = folder.Write("e.json", """{ "mqtt": { "port": 1, "host": "a", "username": "u", "encoding": "cbor" }, "robot": { "id": "one" } }""");
        string first = folder.Write("conf.d/10-a.json", """{ "mqtt": { "host": "b", "username": "v" } }""");
        string second = folder.Write("conf.d/20-b.json", """{ "mqtt": { "username": "w" } }""");
        folder.Write("conf.d/notes.txt", "not read");
        var settings = Load(file, new() { ["BITVLA__MQTT__ENCODING"] = "json", ["BITVLA__ROBOT__ID"] = "two", ["BITVLA_PUBLISH"] = "x" }, "robot.id=three");
        Assert.Equal((1, file), (settings.Of(ConfigurationKeys.MqttPort), settings[ConfigurationKeys.MqttPort].Origin));
        Assert.Equal(("b", first), (settings.Of(ConfigurationKeys.MqttHost), settings[ConfigurationKeys.MqttHost].Origin));
        Assert.Equal(("w", second), (settings.Of(ConfigurationKeys.MqttUsername), settings[ConfigurationKeys.MqttUsername].Origin));
        Assert.Equal("environment BITVLA__MQTT__ENCODING", settings[ConfigurationKeys.MqttEncoding].Origin);
        Assert.Equal(("three", "command line"), (settings.Of(ConfigurationKeys.RobotId), settings[ConfigurationKeys.RobotId].Origin));
        Assert.Equal(Settings.DefaultOrigin, settings[ConfigurationKeys.ActionTtlMs].Origin);
        Assert.Equal([file, first, second], settings.Files);
    }

    [Fact]
    public void File_CommentsAndTrailingCommas_AreTaken()
    {
        string file = folder.Write("e.json", """
            {
              "$schema": "configuration.schema.json",
              // The arm on the bench.
              "robot": { "id": "bench", },
              /* everything else */ "action": { "names": ["x", "y"], "dt_ms": 33.5 },
            }
            """);
        var settings = Load(file);
        Assert.Equal("bench", settings.Of(ConfigurationKeys.RobotId));
        Assert.Equal(["x", "y"], settings.Of(ConfigurationKeys.ActionNames));
        Assert.Equal(33.5, settings.Of(ConfigurationKeys.ActionDtMs));
    }

    [Theory]
    [InlineData("mqtt.prot", "mqtt.port")]
    [InlineData("mqtt.hots", "mqtt.host")]
    [InlineData("engine.treads", "engine.threads")]
    [InlineData("observation.max_age", "observation.max_age_ms")]
    [InlineData("actoin.ttl_ms", "action.ttl_ms")]
    [InlineData("MQTT.PORT", "robot.id")]
    public void Key_Unknown_IsAnErrorThatNamesAKnownOne(string path, string nearest)
    {
        var problems = Problems(null, $"{path}=1");
        string problem = Assert.Single(problems);
        Assert.StartsWith($"command line: {path}: unknown key; the nearest is ", problem, StringComparison.Ordinal);
        if (path.All(c => !char.IsUpper(c)))
        {
            Assert.EndsWith(nearest, problem, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{ "mqtt": { "prot": 1 } }""", "mqtt.prot: unknown key; the nearest is mqtt.port")]
    [InlineData("""{ "mqt": { "port": 1 } }""", "mqt: unknown key")]
    [InlineData("""{ "mqtt": 5 }""", "mqtt: expected an object, found Number")]
    [InlineData("""[]""", "expected an object, found Array")]
    [InlineData("""{ "mqtt": { "port": "1883" } }""", "mqtt.port: expected a whole number, 1 to 65535, found the text \"1883\"")]
    [InlineData("""{ "mqtt": { "port": 70000 } }""", "mqtt.port: expected 1 to 65535, found 70000")]
    [InlineData("""{ "mqtt": { "port": 18.5 } }""", "mqtt.port: expected 1 to 65535, found 18.5")]
    [InlineData("""{ "mqtt": { "tls": "yes" } }""", "mqtt.tls: expected true or false")]
    [InlineData("""{ "mqtt": { "encoding": "xml" } }""", "mqtt.encoding: expected one of json, cbor, found \"xml\"")]
    [InlineData("""{ "mqtt": { "host": null } }""", "mqtt.host: expected a text, found null")]
    [InlineData("""{ "robot": { "id": "My Robot" } }""", "robot.id: expected a text like")]
    [InlineData("""{ "action": { "names": "x,y" } }""", "action.names: expected a list of texts")]
    [InlineData("""{ "action": { "names": [1] } }""", "action.names: expected a list of texts")]
    [InlineData("""{ "action": { "dt_ms": -1 } }""", "action.dt_ms: expected 1 to 10000, found -1")]
    [InlineData("""{ "mqtt": { "port": 1, "port": 2 } }""", "mqtt.port: given twice")]
    [InlineData("""{ "mqtt": """, "line 1")]
    public void File_Wrong_IsAnErrorThatNamesFileAndKey(string text, string expected)
    {
        string file = folder.Write("e.json", text);
        string problem = Assert.Single(Problems(file));
        Assert.StartsWith(file + ": ", problem, StringComparison.Ordinal);
        Assert.Contains(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void File_SeveralMistakes_AreAllSaid()
    {
        string file = folder.Write("e.json", """{ "mqtt": { "prot": 1, "port": 0 }, "log": { "level": "loud" } }""");
        Assert.Equal(3, Problems(file).Count);
        var thrown = Assert.Throws<ConfigurationException>(() => Load(file));
        Assert.Equal(3, thrown.Message.Split('\n').Length);
    }

    [Fact]
    public void File_Missing_IsAnError() => Assert.Contains("none.json: expected a readable file", Assert.Single(Problems(folder["none.json"])), StringComparison.Ordinal);

    [Fact]
    public void Secret_Wrong_IsNotShown()
    {
        string file = folder.Write("e.json", """{ "mqtt": { "password": 1234567 } }""");
        Assert.DoesNotContain("1234567", Assert.Single(Problems(file)), StringComparison.Ordinal);
        var settings = Load(null, null, "mqtt.password=hunter2");
        Assert.DoesNotContain("hunter2", ConfigurationKeys.MqttPassword.Show(settings[ConfigurationKeys.MqttPassword].Value), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("engine.model")]
    [InlineData("=x")]
    public void Assignment_WithoutKeyOrValue_IsAnError(string assignment) => Assert.Contains("KEY=VALUE", Assert.Single(Problems(null, assignment)), StringComparison.Ordinal);

    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("port", "prot", 1)]
    [InlineData("same", "same", 0)]
    public void EditDistance_OfTwoTexts_IsTheFewestEdits(string left, string right, int edits)
    {
        Assert.Equal(edits, ConfigurationKeys.EditDistance(left, right));
        Assert.Equal(edits, ConfigurationKeys.EditDistance(right, left));
    }

    [Fact]
    public void Keys_EachOne_IsInTheTableOnceAndTakesItsOwnDefault()
    {
        Assert.Equal(ConfigurationKeys.All.Count, ConfigurationKeys.All.Select(k => k.Path).Distinct(StringComparer.Ordinal).Count());
        int fields = typeof(ConfigurationKeys).GetFields().Count(f => typeof(ConfigurationKey).IsAssignableFrom(f.FieldType));
        Assert.Equal(fields, ConfigurationKeys.All.Count);
        Assert.All(ConfigurationKeys.All.Where(k => k.DefaultValue is not null && !k.Secret), k => k.Parse(k.Show(k.DefaultValue)));
    }

    private static Settings Load(string? file, Dictionary<string, string>? variables = null, params string[] assignments) =>
        SettingsLoader.Load(new SettingsSources(file, variables ?? NoVariables, assignments));

    private static IReadOnlyList<string> Problems(string? file, params string[] assignments) =>
        SettingsLoader.Read(new SettingsSources(file, NoVariables, assignments)).Problems;
}
