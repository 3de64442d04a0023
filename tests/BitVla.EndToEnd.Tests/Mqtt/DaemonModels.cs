using System.Text.Json;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests.Mqtt;

/// <summary>Models that these tests share, made once, and the parts of an observation.</summary>
public sealed class DaemonModels : IDisposable
{
    public const string Name = "daemon on MQTT";
    public const string Front = "full";
    public const string Wrist = "wrist";
    public const string Pose = "0.1,0,0.2,0,0,0,0.04,-0.04";
    public const string Told = "pick up the black bowl and place it on the plate";

    private readonly ScratchFolder folder = new();
    private readonly Lazy<string> tiny;
    private readonly Lazy<string> slow;
    private readonly Lazy<(string File, string Id)> open;
    private readonly Lazy<string> closed;

    public DaemonModels()
    {
        tiny = new(() => Make("tiny.bitvla", "--preset", "tiny").File);

        // Decoder enough for a pass of about a second, so that something can happen within it.
        slow = new(() => Make("slow.bitvla", "--preset", "tiny", "--width", "512", "--ffn", "2048", "--heads", "4", "--kv-heads", "2", "--layers", "24").File);
        open = new(() => Make("open.bitvla", "--preset", "tiny", "--head-bias", "0.5,0.25,-0.5,0,0.125,-1,1"));
        closed = new(() => Make("closed.bitvla", "--preset", "tiny", "--head-bias", "-1,1,0,0.75,-0.25,0.5,0").File);
    }

    public string Tiny => tiny.Value;

    public string Slow => slow.Value;

    /// <summary>Gives one action, gripper open, whatever it sees.</summary>
    public string Open => open.Value.File;

    public string OpenId => open.Value.Id;

    /// <summary>Gives another, gripper closed.</summary>
    public string Closed => closed.Value;

    internal static byte[] FrontPicture { get; } = File.ReadAllBytes(Path.Combine(Repository.Root, "deploy", "pictures", "front.png"));

    internal static byte[] WristPicture { get; } = File.ReadAllBytes(Path.Combine(Repository.Root, "deploy", "pictures", "wrist.png"));

    public void Dispose() => folder.Dispose();

    private (string File, string Id) Make(string name, params string[] arguments)
    {
        JsonElement made = Programs.Pack(["synth", "--json", "-o", folder[name], .. arguments]).Json();
        return (folder[name], made.GetProperty("model_id").GetString()!);
    }
}

/// <summary>One after the other, and beside nothing else: some of these tests hold a clock against the daemon.</summary>
[CollectionDefinition(DaemonModels.Name, DisableParallelization = true)]
public sealed class DaemonModelsDefinition : ICollectionFixture<DaemonModels>;
