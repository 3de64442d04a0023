using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests;

/// <summary>A folder of one test, removed with it.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public ScratchFolder() => Directory.CreateDirectory(Root);

    public string Root { get; } = Path.Combine(Repository.Root, "artifacts", "end-to-end", Guid.NewGuid().ToString("n"));

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>A synthetic model in this folder.</summary>
    public string Synth(string preset, int seed)
    {
        string file = this[$"{preset}-{seed}.bitvla"];
        var outcome = Programs.Pack("synth", "--preset", preset, "--seed", $"{seed}", "-o", file);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return file;
    }

    /// <summary>Arguments of a pass on the pictures of the demonstration.</summary>
    public static string[] Act(string model, params IEnumerable<string> more) =>
    [
        "act", "--model", model,
        "--image", $"full={Path.Combine(Repository.Root, "deploy", "pictures", "front.png")}",
        "--image", $"wrist={Path.Combine(Repository.Root, "deploy", "pictures", "wrist.png")}",
        "--state", "0.1,0,0.2,0,0,0,0.04,-0.04",
        "--instruction", "pick up the black bowl and place it on the plate",
        .. more,
    ];

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
