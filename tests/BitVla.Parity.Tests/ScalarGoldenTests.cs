using System.Text.Json;
using BitVla.Contracts;
using BitVla.Format;
using BitVla.Model.Action;
using BitVla.Model.Projection;
using BitVla.TestKit;

namespace BitVla.Parity.Tests;

/// <summary>Proprio normalisation, action un-normalisation and the gripper rule against the authors' own functions.</summary>
public sealed class ScalarGoldenTests
{
    // Double arithmetic of the same expressions; the normalised state is rounded to float32 once.
    private const double DoubleBound = 1e-12;

    private static JsonElement Scalars()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("units", "scalar.json")));
        return document.RootElement.Clone();
    }

    [Fact]
    public void ProprioNormalizer_Golden_GivesTheAuthorsFloats()
    {
        foreach (var entry in Scalars().GetProperty("normalize_proprio").EnumerateArray())
        {
            double[] expected = Numbers(entry.GetProperty("output"));
            var normalized = new float[expected.Length];
            new ProprioNormalizer(Statistics(entry.GetProperty("stats"))).Normalize(Numbers(entry.GetProperty("input")), normalized);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal((float)expected[i], normalized[i]);
            }
        }
    }

    [Fact]
    public void ActionUnnormalizer_Golden_Agrees()
    {
        foreach (var entry in Scalars().GetProperty("unnormalize_actions").EnumerateArray())
        {
            double[][] input = [.. entry.GetProperty("input_fp32").EnumerateArray().Select(Numbers)];
            double[] expected = [.. entry.GetProperty("output").EnumerateArray().SelectMany(Numbers)];
            var chunk = new ActionChunk(input.Length, input[0].Length);
            Array.ConvertAll(input.SelectMany(row => row).ToArray(), value => (float)value).CopyTo(chunk.Normalized.Values);
            new ActionUnnormalizer(Statistics(entry.GetProperty("stats")), ModelManifest.RawGripper).Apply(chunk);
            for (int i = 0; i < expected.Length; i++)
            {
                double difference = Math.Abs(chunk.Actions[i] - expected[i]);
                double bound = DoubleBound * Math.Max(1.0, Math.Abs(expected[i]));
                Assert.True(difference <= bound, $"{i}: {chunk.Actions[i]:r}, golden {expected[i]:r}.");
            }
        }
    }

    [Fact]
    public void LiberoGripper_Golden_IsEqual()
    {
        foreach (var entry in Scalars().GetProperty("gripper").EnumerateArray())
        {
            Assert.Equal(entry.GetProperty("output").GetDouble(), ActionUnnormalizer.LiberoGripper(entry.GetProperty("input").GetDouble()));
        }
    }

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(number => number.GetDouble())];

    private static ModelStatistics Statistics(JsonElement stats)
    {
        double[] q01 = Numbers(stats.GetProperty("q01"));
        double[] q99 = Numbers(stats.GetProperty("q99"));
        bool[] mask = stats.TryGetProperty("mask", out var given)
            ? [.. given.EnumerateArray().Select(flag => flag.GetBoolean())]
            : [.. q01.Select(_ => true)];
        return new ModelStatistics
        {
            Name = "scalar.json",
            ActionQ01 = q01,
            ActionQ99 = q99,
            ActionMask = mask,
            ProprioQ01 = q01,
            ProprioQ99 = q99,
            ProprioMask = mask,
        };
    }
}
