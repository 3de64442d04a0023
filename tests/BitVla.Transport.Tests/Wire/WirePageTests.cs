using BitVla.TestKit;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;

namespace BitVla.Transport.Tests.Wire;

// docs/wire.md against the tables and constants it speaks of.
public sealed class WirePageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "wire.md"));

    public static TheoryData<string> Names => [.. WireTables.All.Select(table => table.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_ThePayloadOfATopic_IsItsTable(string name)
    {
        WireTable table = WireTables.All.Single(one => one.Name == name);
        string expected = $"### `{table.Topic}`\n\n{table.Meaning} At most {table.MaxBytes / 1024} KiB.\n\n"
            + "| Field | Type | Unit | Always | Meaning |\n|---|---|---|---|---|\n"
            + string.Concat(Rows(table.Fields, "")) + "\n";
        string from = $"### `{table.Topic}`\n";
        int start = Page.IndexOf(from, StringComparison.Ordinal);
        Assert.True(start >= 0, $"expected in docs/wire.md:\n{expected}");
        int end = Page.IndexOf("\n#", start + 1, StringComparison.Ordinal);
        Assert.Equal(expected, Page[start..(end + 1)]);
    }

    [Fact]
    public void Page_NumbersOfTheRules_AreTheCodes()
    {
        Assert.Contains($"longer than {LoopGap.Threshold.TotalMilliseconds} ms", Page, StringComparison.Ordinal);
        Assert.Contains($"waits {RobotClaim.SilentHolder.TotalSeconds} s", Page, StringComparison.Ordinal);
        Assert.Contains($"asks for {RobotClaim.AfterRefusal.TotalSeconds} s", Page, StringComparison.Ordinal);
        Assert.Contains($"within {new MqttLinkOptions { Robot = "a" }.ClaimWindow.TotalMilliseconds} ms", Page, StringComparison.Ordinal);
        Assert.Contains($"keep-alive is {new MqttLinkOptions { Robot = "a" }.KeepAliveSeconds} s", Page, StringComparison.Ordinal);
        Assert.Contains($"{EmbeddedBroker.MaxPendingMessages} messages wait", Page, StringComparison.Ordinal);
        Assert.Contains($"{EmbeddedBroker.MaxRetainedTopics} topics", Page, StringComparison.Ordinal);
        Assert.Contains($"at most {WireLimits.ImageBytes / 1024 / 1024} MiB", Page, StringComparison.Ordinal);
        Assert.Contains($"at most {MqttLink.MaxCorrelationBytes} bytes", Page, StringComparison.Ordinal);
        Assert.Contains($"at most {WireLimits.Depth} levels", Page, StringComparison.Ordinal);
        Assert.Contains($"at most {WireLimits.Keys} keys", Page, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_TopicsTable_NamesEachTopicOfTheCode()
    {
        var topics = new WireTopics("arm-1");
        string[] all =
        [
            topics.Status, topics.Birth, topics.State, topics.ActionChunk, topics.TelemetryInfer, topics.Event, topics.Claim, topics.ObsProprio,
            topics.ObsImage("camera"), topics.Cmd("verb"), topics.Response("client"),
        ];
        Assert.All(all, topic => Assert.Contains($"| `{Below(topic)}` |", Page, StringComparison.Ordinal));

        static string Below(string topic) => topic["bitvla/v1/arm-1/".Length..]
            .Replace("/camera", "/<camera>", StringComparison.Ordinal).Replace("/verb", "/<verb>", StringComparison.Ordinal).Replace("/client", "/<client>", StringComparison.Ordinal);
    }

    [Fact]
    public void Page_ErrorCodes_AreAllNamed()
    {
        string[] codes =
            [WireCodes.Malformed, WireCodes.TooLarge, WireCodes.NonFinite, WireCodes.Missing, WireCodes.Type, WireCodes.Range, WireCodes.ContentType];
        Assert.All(codes, code => Assert.Contains($"| `{code}` |", Page, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Rows(IReadOnlyList<WireField> fields, string path)
    {
        foreach (WireField field in fields)
        {
            yield return $"| `{path}{field.Name}` | {field.TypeText} | {field.Unit} | {(field.Required ? "yes" : "")} | {field.Meaning} |\n";
            foreach (string row in Rows(field.Fields, $"{path}{field.Name}."))
            {
                yield return row;
            }
        }
    }
}
