using System.Text.Json;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests;

// From nothing to a chunk with the published programs: synth, verify, inspect, act.
public sealed class PackedFileTests : IDisposable
{
    // What two runs may differ in.
    private static readonly string[] Measured = ["seconds", "peak_resident_bytes", "arena_bytes"];

    private readonly ScratchFolder folder = new();

    [Fact]
    public void Synth_Twice_GivesTheSameBytes()
    {
        string first = folder.Synth("tiny", 3);
        byte[] bytes = File.ReadAllBytes(first);
        File.Delete(first);
        Assert.Equal(bytes, File.ReadAllBytes(folder.Synth("tiny", 3)));
        Assert.NotEqual(bytes, File.ReadAllBytes(folder.Synth("tiny", 4)));
    }

    [Fact]
    public void Act_Twice_GivesTheSameAnswer()
    {
        string model = folder.Synth("tiny", 3);
        Assert.True(Programs.Pack("verify", model, "--json").Json().GetProperty("ok").GetBoolean());
        string[] answers = [Answer(model), Answer(model)];
        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public void Act_Json_SaysWhatInspectSays()
    {
        string model = folder.Synth("tiny", 3);
        var inspected = Programs.Pack("inspect", model, "--json").Json();
        var acted = Programs.Daemon(ScratchFolder.Act(model, "--json")).Json();
        Assert.Equal(inspected.GetProperty("model_id").GetString(), acted.GetProperty("model_id").GetString());
        var dimensions = inspected.GetProperty("dimensions");
        foreach (string matrix in (string[])["normalized_actions", "actions", "env_actions"])
        {
            Assert.Equal(dimensions.GetProperty("chunk_length").GetInt32(), acted.GetProperty(matrix).GetArrayLength());
            Assert.Equal(dimensions.GetProperty("action_dim").GetInt32(), acted.GetProperty(matrix)[0].GetArrayLength());
        }

        Assert.Equal(inspected.GetProperty("unnorm_keys")[0].GetString(), acted.GetProperty("unnorm_key").GetString());
    }

    [Fact]
    public void Act_HeadBias_GivesTheKnownAction()
    {
        string model = folder["still.bitvla"];
        Assert.Equal(0, Programs.Pack("synth", "--preset", "awkward", "--head-bias", "0.5,0.25,-0.5,0,0.125,-1,1", "-o", model).ExitCode);
        foreach (var step in Programs.Daemon(ScratchFolder.Act(model, "--json")).Json().GetProperty("normalized_actions").EnumerateArray())
        {
            Assert.Equal([0.5f, 0.25f, -0.5f, 0f, 0.125f, -1f, 1f], step.EnumerateArray().Select(v => v.GetSingle()));
        }
    }

    [Fact]
    public void PackedFile_PublicGgufReader_ListsTheSameTensors()
    {
        string model = folder.Synth("tiny", 3);
        string tools = Environment.GetEnvironmentVariable("BITVLA_TOOLS") ?? Path.Combine(Repository.Root, "artifacts", "tools");
        var listed = Programs.Run("node", Path.Combine(Repository.Root, "tests", "tools", "list-gguf.mjs"), tools, model).Json();
        var inspected = Programs.Pack("inspect", model, "--json").Json().GetProperty("tensors");
        Assert.Equal("bitvla", listed.GetProperty("architecture").GetString());
        Assert.Equal(3, listed.GetProperty("version").GetInt32());
        Assert.Equal(inspected.GetArrayLength(), listed.GetProperty("tensor_count").GetInt32());
        Assert.Equal(
            inspected.EnumerateArray().Select(t => (t.GetProperty("name").GetString(), Numbers(t.GetProperty("stored_shape")))),
            listed.GetProperty("tensors").EnumerateArray().Select(t => (t.GetProperty("name").GetString(), Numbers(t.GetProperty("shape")))));
    }

    public void Dispose() => folder.Dispose();

    private static string Numbers(JsonElement array) => string.Join(' ', array.EnumerateArray().Select(v => v.GetInt64()));

    private static string Answer(string model)
    {
        var members = Programs.Daemon(ScratchFolder.Act(model, "--json", "--digest")).Json().EnumerateObject().Where(m => !Measured.Contains(m.Name));
        return string.Join('\n', members.Select(m => $"{m.Name}: {m.Value.GetRawText()}"));
    }
}
