using System.Diagnostics;
using System.Text.Json;
using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Tests.Daemon;
using BitVla.Packing.Synth;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Tests.Verbs;

// The verbs from outside: exit codes, what they print, how they end.
public sealed class VerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Check_GoodFile_SaysEachValueAndItsOrigin()
    {
        string file = folder.Write("e.json", """{ "engine": { "model": "m.bitvla" }, "mqtt": { "host": "h", "password": "hunter2" } }""");
        var (code, output, _) = await ChildProgram.RunAsync("check", "--config", file, "--json");
        Assert.Equal(0, code);
        Assert.DoesNotContain("hunter2", output, StringComparison.Ordinal);
        using var report = JsonDocument.Parse(output);
        Assert.True(report.RootElement.GetProperty("ok").GetBoolean());
        var keys = report.RootElement.GetProperty("settings").EnumerateArray().ToDictionary(s => s.GetProperty("key").GetString()!);
        Assert.Equal(ConfigurationKeys.All.Select(k => k.Path), keys.Keys);
        Assert.Equal(file, keys["engine.model"].GetProperty("origin").GetString());
        Assert.Equal("m.bitvla", keys["engine.model"].GetProperty("value").GetString());
    }

    [Fact]
    public async Task Check_WrongFile_EndsWithTwoAndNamesFileAndKey()
    {
        string file = folder.Write("e.json", """{ "engine": { "modle": "m.bitvla" } }""");
        var (code, output, error) = await ChildProgram.RunAsync("check", "--config", file);
        Assert.Equal(ExitCode.Configuration, code);
        Assert.Contains($"{file}: engine.modle: unknown key; the nearest is engine.model", error, StringComparison.Ordinal);
        Assert.EndsWith("2 wrong\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("configuration")]
    [InlineData("chunk")]
    [InlineData("all")]
    public async Task Schema_EachName_IsJson(string name)
    {
        var (code, output, _) = await ChildProgram.RunAsync("schema", name);
        Assert.Equal(0, code);
        using var schema = JsonDocument.Parse(output);
        if (name == "all")
        {
            Assert.Equal(["configuration", .. WireTables.All.Select(t => t.Name)], schema.RootElement.EnumerateObject().Select(m => m.Name));
        }
    }

    [Theory]
    [InlineData(ExitCode.Usage, "schema", "nonsense")]
    [InlineData(ExitCode.Usage, "demo", "--packer", "none")]
    [InlineData(ExitCode.Usage, "demo", "--count", "0")]
    [InlineData(ExitCode.Configuration, "run", "--set", "robot.id=x")]
    [InlineData(ExitCode.ModelInvalid, "run", "--set", "engine.model=none.bitvla", "--set", "mqtt.embedded_port=0")]
    public async Task Verb_WrongUse_EndsWithItsCode(int expected, params string[] arguments)
    {
        string[] state = arguments[0] == "run" ? ["--set", $"state.dir={folder["state"]}"] : [];
        var (code, _, error) = await ChildProgram.RunAsync([.. arguments, .. state]);
        Assert.True(expected == code, $"{code}: {error}");
        Assert.NotEmpty(error);
    }

    [Fact]
    public async Task Demo_TwoChunks_PrintsThemAsJsonAndEndsWell()
    {
        var (code, output, error) = await ChildProgram.RunAsync("demo", "--count", "2", "--json", "--packer", ChildProgram.PathOf("bitvla-pack.dll"));
        Assert.True(code == 0, error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var chunks = lines.Select(line => WireTables.Chunk.Decode(System.Text.Encoding.UTF8.GetBytes(line), WireEncoding.Json)).ToArray();
        Assert.Equal([1u, 2u], chunks.Select(c => c.Sequence));
    }

    [Fact]
    public async Task Run_Sigterm_SaysStoppedAndEndsWithZero()
    {
        string model = folder["awkward.bitvla"];
        new SynthModel("awkward", SynthPresets.Geometry(SynthPresets.Awkward), 1, headBias: null).Write(model, TestContext.Current.CancellationToken);
        using var child = ChildProgram.Start(
            "run", "--set", $"engine.model={model}", "--set", "mqtt.embedded_port=0", "--set", "robot.id=child", "--set", $"state.dir={folder["state"]}");
        int port = 0;
        while (await child.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains(" READY ", StringComparison.Ordinal))
        {
            int at = line.IndexOf("127.0.0.1:", StringComparison.Ordinal);
            port = at < 0 ? port : int.Parse(line[(at + "127.0.0.1:".Length)..].Split(' ')[0], null);
        }

        await using var robot = await RobotClient.ConnectAsync(port, new WireTopics("child"));
        await robot.NextAsync(robot.Topics.Birth);
        var watch = Stopwatch.StartNew();
        using (Process.Start("kill", ["-TERM", $"{child.Id}"]))
        {
        }

        await robot.NextAsync(robot.Topics.Status, m => m.As(WireTables.Status).State == StatusMessage.Stopped);
        var (code, _, error) = await ChildProgram.EndAsync(child);
        Assert.True(code == 0, error);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }
}
