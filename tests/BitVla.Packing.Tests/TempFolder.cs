using BitVla.TestKit;

namespace BitVla.Packing.Tests;

/// <summary>A folder that goes away with the test.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "bitvla-packing-" + Guid.NewGuid().ToString("N"));

    public string At(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>A writable copy of a golden checkpoint.</summary>
    public string Copy(string golden, string name = "checkpoint")
    {
        string target = At(name);
        Directory.CreateDirectory(target);
        foreach (string file in Directory.GetFiles(Repository.Golden(golden, "checkpoint")))
        {
            File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetFileName(file)));
        }

        return target;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
