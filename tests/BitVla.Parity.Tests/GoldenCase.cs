using System.Text.Json;
using BitVla.Contracts;
using BitVla.Format;
using BitVla.Model;
using BitVla.Packing;
using BitVla.TestKit;
using BitVla.Transport.Cameras;

namespace BitVla.Parity.Tests;

/// <summary>A case of tests/goldens: a small checkpoint, what it was shown, and what the authors' code made of it.</summary>
public sealed class GoldenCase
{
    /// <summary>The case without rounding flips, held to the tight bound everywhere.</summary>
    public const string NanoTight = "vla_nano_tight";

    private readonly JsonElement manifest;

    private GoldenCase(string name)
    {
        Name = name;
        using var document = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden(name, "manifest.json")));
        manifest = document.RootElement.Clone();
        Inputs = Goldens.Open(name, "inputs", "inputs.safetensors");
        Outputs = Goldens.Open(name, "outputs_fp32.safetensors");
        Cameras = [.. manifest.GetProperty("image_names").EnumerateArray().Select(camera => camera.GetString()!)];
    }

    /// <summary>All cases of the action path.</summary>
    public static TheoryData<string> Names => ["vla_full224", NanoTight, "vla_sharded_tied", "vla_single_bf16vit"];

    public string Name { get; }

    public bool Tight => Name == NanoTight;

    public Goldens Inputs { get; }

    /// <summary>What the authors' code gave in fp32.</summary>
    public Goldens Outputs { get; }

    public string[] Cameras { get; }

    public string Checkpoint => Repository.Golden(Name, "checkpoint");

    public int SequenceLength => manifest.GetProperty("sequence_length").GetInt32();

    public PackOptions Packing => new()
    {
        Cameras = [.. Cameras.Select(camera => new CameraSpec(camera, Rotate180: false))],
        CenterCrop = manifest.GetProperty("center_crop").GetBoolean(),
        Name = Name,
    };

    public PolicyOptions Options => new() { UnnormKey = manifest.GetProperty("unnorm_key").GetString(), Threads = 2, Unpruned = true };

    public static GoldenCase Open(string name) => new(name);

    /// <summary>The authors' own bf16 run against their fp32 run; null where they kept no bf16 values.</summary>
    public Deviation? AuthorsBf16(string doorway) =>
        manifest.GetProperty("fp32_vs_bf16").TryGetProperty(doorway, out var entry)
            ? new Deviation(Number(entry, "rms_abs"), Number(entry, "max_abs"), Number(entry, "rms_ref"))
            : null;

    /// <summary>Pictures as get_bitnet_vla_action takes them: turned, JPEG round-tripped and resized already.</summary>
    public Observation Observation()
    {
        var decoder = new StbImageDecoder();
        CameraFrame[] frames = [.. Cameras.Select(camera =>
            decoder.Decode(camera, File.ReadAllBytes(Repository.Golden(Name, "inputs", camera + ".policy224.png")), ImageLimits.Default))];
        double[] state = manifest.GetProperty("use_proprio").GetBoolean() ? Inputs.Doubles("state") : [];
        return new Observation(frames, state, manifest.GetProperty("instruction").GetString()!);
    }

    private static double Number(JsonElement entry, string name) => entry.GetProperty(name).GetDouble();
}
