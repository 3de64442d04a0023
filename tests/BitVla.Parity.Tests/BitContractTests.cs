using System.Text;
using System.Text.Json;
using BitVla.Kernels.Dispatch;
using BitVla.Model;
using BitVla.Packing.Synth;
using BitVla.TestKit;

namespace BitVla.Parity.Tests;

/// <summary>The bit contract: one digest in the repository for a pass on the awkward model, whatever kernel or thread count.</summary>
/// <remarks>
/// A change that alters it on purpose replaces tests/goldens/bit-contract.json in the same commit, by the file that the failing
/// test leaves in artifacts/.
/// </remarks>
public sealed class BitContractTests(PackedModels models)
{
    private const ulong ModelSeed = 7;
    private const int PictureSeed = 7;

    [Fact]
    public void Pass_AwkwardModelOnEveryKernelAndThreadCount_HasTheDigestOfTheRepository()
    {
        string file = models.Synthetic(SynthPresets.Awkward, ModelSeed);
        using var document = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("bit-contract.json")));
        var doorways = document.RootElement.GetProperty("doorways").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString());
        foreach (string kernel in KernelSelector.Available)
        {
            foreach (int threads in (int[])[1, 2, 3, 5])
            {
                var options = new PolicyOptions { Kernel = kernel, Threads = threads, Unpruned = true };
                using var policy = BitVlaPolicy.Load(file, options, TestContext.Current.CancellationToken);
                var pass = RecordedPass.Of(policy, SyntheticObservation.For(policy.Model.Manifest, PictureSeed));
                string? first = pass.Doorways.FirstOrDefault(doorway => pass.Hash(doorway) != doorways.GetValueOrDefault(doorway));
                if (first is not null || pass.Digest() != document.RootElement.GetProperty("digest").GetString())
                {
                    string found = Path.Combine(Repository.Root, "artifacts", "bit-contract.json");
                    File.WriteAllText(found, Json(pass));
                    Assert.Fail($"{kernel}, {threads} threads: {first ?? "the digest"} is the first with other bits; all are in {found}.");
                }
            }
        }
    }

    private static string Json(RecordedPass pass)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString(
                "note",
                "BitContractTests compares with this. To re-make it after a change of the arithmetic: run the test, "
                + "copy artifacts/bit-contract.json here, commit it with the change.");
            json.WriteString("preset", SynthPresets.Awkward);
            json.WriteNumber("seed", ModelSeed);
            json.WriteString("digest", pass.Digest());
            json.WriteStartObject("doorways");
            foreach (string doorway in pass.Doorways)
            {
                json.WriteString(doorway, pass.Hash(doorway));
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }
}
