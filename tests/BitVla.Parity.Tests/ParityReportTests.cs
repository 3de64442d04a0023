using System.Globalization;
using System.Text;
using BitVla.TestKit;

namespace BitVla.Parity.Tests;

/// <summary>Writes artifacts/parity-report.md: our distance from the authors' fp32 run beside that of their own bf16 run.</summary>
public sealed class ParityReportTests(PackedModels models, ITestOutputHelper output)
{
    [Fact]
    public void Report_AllCases_IsWritten()
    {
        var report = new StringBuilder(
            """
            # Parity with the authors' fp32 run

            Differences at each doorway, root mean square and largest. "Free" is a whole pass of ours, "forced" a single stage fed the
            golden input, "authors' bf16" the deviation of the authors' own bf16 run, as it controls robots, from the same fp32 run.
            The size of the values themselves is in the second column. Written by ParityReportTests.

            """);
        foreach (string name in GoldenCase.Names.Select(row => row.Data))
        {
            Case(report, GoldenCase.Open(name));
        }

        string path = Path.Combine(Repository.Root, "artifacts", "parity-report.md");
        File.WriteAllText(path, report.ToString());
        output.WriteLine(report.ToString());
    }

    private void Case(StringBuilder report, GoldenCase golden)
    {
        using var policy = models.Load(golden);
        var pass = RecordedPass.Of(policy, golden.Observation());
        var forced = Forced(golden, new GoldenStages(golden, policy));
        report.Append(CultureInfo.InvariantCulture, $"\n## {golden.Name}, kernel {policy.Description.Kernel}\n\n");
        report.Append("| doorway | rms of values | free rms | free max | forced rms | forced max ");
        report.Append("| authors' bf16 rms | authors' bf16 max |\n");
        report.Append("|---|---:|---:|---:|---:|---:|---:|---:|\n");
        var known = pass.Doorways.Where(golden.Outputs.Names.Contains).ToArray();
        Assert.Subset(known.ToHashSet(), forced.Keys.ToHashSet());
        Assert.Contains("env_actions", known);
        foreach (string doorway in known)
        {
            var free = golden.Outputs.Type(doorway) == "F64"
                ? Deviation.Of(pass.Doubles(doorway), golden.Outputs.Doubles(doorway))
                : Deviation.Of(pass.Floats(doorway), golden.Outputs.Floats(doorway));
            Deviation? alone = forced.TryGetValue(doorway, out var stage) ? stage : null;
            string cells = $"{Cells(free)} | {Cells(alone)} | {Cells(golden.AuthorsBf16(doorway))}";
            report.Append(CultureInfo.InvariantCulture, $"| {doorway} | {free.RmsReference:g3} | {cells} |\n");
        }
    }

    private static Dictionary<string, Deviation> Forced(GoldenCase golden, GoldenStages stages)
    {
        var g = stages.Policy.Model.Manifest.Geometry;
        var forced = new Dictionary<string, Deviation>();
        void Add(string doorway, float[] values) => forced.Add(doorway, Deviation.Of(values, golden.Outputs.Floats(doorway)));

        Add("vision.embeddings", stages.VisionEmbeddings());
        for (int i = 0; i < g.VisionLayers; i++)
        {
            Add($"vision.layer.{i}", stages.VisionLayer(i));
        }

        Add("projector", stages.Projector());
        if (g.ProprioDim > 0)
        {
            Add("proprio.normalized", stages.ProprioNormalized());
            Add("proprio.projected", stages.ProprioProjected());
        }

        for (int i = 0; i < g.Layers; i++)
        {
            Add($"llm.layer.{i}", stages.DecoderLayer(i));
        }

        Add("llm.final_norm", stages.FinalNorm());
        var head = stages.Head();
        foreach (string doorway in head.Doorways.Skip(1))
        {
            Add(doorway, head.Floats(doorway));
        }

        var chunk = stages.Actions();
        forced.Add("actions", Deviation.Of(chunk.Actions, golden.Outputs.Doubles("actions")));
        forced.Add("env_actions", Deviation.Of(chunk.EnvironmentActions, golden.Outputs.Doubles("env_actions")));
        return forced;
    }

    private static string Cells(Deviation? deviation) => deviation is { } found
        ? string.Create(CultureInfo.InvariantCulture, $"{found.Rms:0.0e+0} | {found.Max:0.0e+0}")
        : "– | –";
}
