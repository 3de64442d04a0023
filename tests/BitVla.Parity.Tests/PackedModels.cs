using BitVla.Format;
using BitVla.Model;
using BitVla.Packing;
using BitVla.Packing.Synth;

[assembly: AssemblyFixture(typeof(BitVla.Parity.Tests.PackedModels))]

namespace BitVla.Parity.Tests;

/// <summary>Packed files for all tests of the assembly: each is made once, on first use, and removed at the end.</summary>
public sealed class PackedModels : IDisposable
{
    private readonly Lock gate = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("bitvla-parity-");
    private readonly Dictionary<string, string> files = [];

    /// <summary>A golden case's checkpoint, packed as the command line would.</summary>
    public string File(GoldenCase golden) => Once(golden.Name, path => CheckpointPacker.Pack(golden.Checkpoint, path, golden.Packing));

    /// <summary>A policy on a golden case; the caller disposes it.</summary>
    public BitVlaPolicy Load(GoldenCase golden, Func<PolicyOptions, PolicyOptions>? change = null) =>
        BitVlaPolicy.Load(File(golden), change?.Invoke(golden.Options) ?? golden.Options, TestContext.Current.CancellationToken);

    /// <summary>A random model of bitvla-pack synth.</summary>
    public string Synthetic(string preset, ulong seed, Func<ModelGeometry, ModelGeometry>? change = null) =>
        Once($"{preset}-{seed}-{change?.Method.Name}", path =>
        {
            var geometry = SynthPresets.Geometry(preset);
            new SynthModel(preset, change?.Invoke(geometry) ?? geometry, seed, headBias: null).Write(path, CancellationToken.None);
        });

    /// <summary>A name in the folder for a file that a test makes itself.</summary>
    public string NewFile(string name) => Path.Combine(folder.FullName, name);

    public void Dispose() => folder.Delete(recursive: true);

    private string Once(string name, Action<string> make)
    {
        lock (gate)
        {
            if (!files.TryGetValue(name, out string? path))
            {
                path = NewFile(name + ".bitvla");
                make(path);
                files.Add(name, path);
            }

            return path;
        }
    }
}
