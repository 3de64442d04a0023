using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Daemon;

namespace BitVla.Edge.Host.Tests.Configuration;

public sealed class DaemonSettingsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("engine.model: expected a packed model file, found nothing", "robot.id=x")]
    [InlineData("mqtt.password_file: expected this or mqtt.password", "engine.model=m", "mqtt.host=h", "mqtt.password=a", "mqtt.password_file=b")]
    [InlineData("mqtt.tls: expected mqtt.host beside it", "engine.model=m", "mqtt.tls=true")]
    [InlineData("action.units: expected as many as action.names, 7, found 2", "engine.model=m", "action.units=m,m")]
    public void Settings_ThatDoNotFitTogether_AreRefused(string expected, params string[] assignments) =>
        Assert.Contains(expected, Assert.Throws<ConfigurationException>(() => From(assignments)).Message, StringComparison.Ordinal);

    [Fact]
    public void Settings_NamesOfAnotherWidthThanTheModel_AreRefused()
    {
        var settings = From("engine.model=m", "action.names=x,y");
        settings.CheckAgainst(2);
        Assert.Contains("expected 7 names", Assert.Throws<ConfigurationException>(() => settings.CheckAgainst(7)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Link_ExternalBroker_TakesPasswordFromItsFile()
    {
        string file = folder.Write("password", "secret words\n");
        var link = From("engine.model=m", "mqtt.host=broker", "mqtt.tls=true", "mqtt.username=arm", $"mqtt.password_file={file}").Link(3, null);
        Assert.Equal(("broker", 8883, "arm", "secret words", true, 3u), (link.Host, link.Port, link.Username, link.Password, link.UseTls, link.Session));
    }

    [Fact]
    public void Link_Credential_IsTakenWhereNoFileIsNamed()
    {
        folder.Write("mqtt.password", "from systemd\n");
        var settings = SettingsLoader.Load(new SettingsSources(null, new Dictionary<string, string>(), ["engine.model=m", "mqtt.host=h"]));
        var link = DaemonSettings.From(settings, new Dictionary<string, string> { ["CREDENTIALS_DIRECTORY"] = folder.Name }).Link(1, null);
        Assert.Equal("from systemd", link.Password);
    }

    [Fact]
    public void SessionCounter_EachStart_CountsOnAndSurvivesNonsense()
    {
        string state = folder["state/inner"];
        Assert.Equal(1u, SessionCounter.Next(state));
        Assert.Equal(2u, SessionCounter.Next(state));
        File.WriteAllText(Path.Combine(state, SessionCounter.FileName), "what?");
        Assert.Equal(1u, SessionCounter.Next(state));
        Assert.Equal([SessionCounter.FileName], Directory.EnumerateFiles(state).Select(f => Path.GetFileName(f)));
    }

    [Fact]
    public void SessionCounter_FolderThatCannotBe_IsRefused()
    {
        string file = folder.Write("file", "");
        Assert.Contains("state.dir", Assert.Throws<ConfigurationException>(() => SessionCounter.Next(file)).Message, StringComparison.Ordinal);
    }

    private static DaemonSettings From(params string[] assignments)
    {
        var none = new Dictionary<string, string>();
        return DaemonSettings.From(SettingsLoader.Load(new SettingsSources(null, none, assignments)), none);
    }
}
