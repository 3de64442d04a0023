using System.Globalization;

namespace BitVla.Parity.Tests;

/// <summary>Every stage on its own: fed the golden's input, compared with the golden's output; BITVLA.md section 12.2.</summary>
public sealed class TeacherForcedTests(PackedModels models, ITestOutputHelper output)
{
    private const double TightBound = 1e-4;

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void VisionEmbeddings_GoldenPixels_EqualGolden(string name) => Check(name, (golden, stages) =>
        Tight(golden, "vision.embeddings", stages.VisionEmbeddings()));

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void VisionLayers_GoldenInput_EqualGoldenButForExplainedTies(string name) => Check(name, (golden, stages) =>
    {
        var g = stages.Policy.Model.Manifest.Geometry;
        for (int i = 0; i < g.VisionLayers; i++)
        {
            string doorway = $"vision.layer.{i}";
            float[] actual = stages.VisionLayer(i);
            if (g.VisionTernary)
            {
                Layer(golden, doorway, actual, stages.VisionLayerInput(i), ReferenceVisionLayer.Read(stages.Policy.Model, i));
            }
            else
            {
                Tight(golden, doorway, actual);
            }
        }
    });

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Projectors_GoldenInput_EqualGolden(string name) => Check(name, (golden, stages) =>
    {
        Tight(golden, "projector", stages.Projector());
        if (stages.Policy.ProprioProjector is not null)
        {
            Tight(golden, "proprio.normalized", stages.ProprioNormalized());
            Tight(golden, "proprio.projected", stages.ProprioProjected());
        }
    });

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void DecoderLayers_GoldenInput_EqualGoldenButForExplainedTies(string name) => Check(name, (golden, stages) =>
    {
        for (int i = 0; i < stages.Policy.Model.Manifest.Geometry.Layers; i++)
        {
            Layer(
                golden, $"llm.layer.{i}", stages.DecoderLayer(i), stages.DecoderLayerInput(i),
                ReferenceDecoderLayer.Read(stages.Policy.Model, i, golden.SequenceLength));
        }
    });

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void FinalNorm_GoldenInput_EqualsGolden(string name) => Check(name, (golden, stages) =>
        Tight(golden, "llm.final_norm", stages.FinalNorm()));

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Head_GoldenInput_EqualsGoldenAtEveryStage(string name) => Check(name, (golden, stages) =>
    {
        var pass = stages.Head();
        string[] stagesOfTheHead =
            ["head.input", "head.layer_norm1", "head.fc1", "head.block.0", "head.block.1", "head.layer_norm2", "head.output"];
        Assert.Equal(stagesOfTheHead, pass.Doorways);
        foreach (string doorway in pass.Doorways)
        {
            Tight(golden, doorway, pass.Floats(doorway));
        }
    });

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Unnormalizer_GoldenNormalizedActions_EqualGolden(string name) => Check(name, (golden, stages) =>
    {
        // Plain double arithmetic on both sides: only the order of its roundings may differ.
        const double Relative = 1e-9;
        var chunk = stages.Actions();
        Assert.Equal(golden.Outputs.Floats("normalized_actions"), chunk.Normalized.Values.ToArray());
        Close(golden.Outputs.Doubles("actions"), chunk.Actions);
        Close(golden.Outputs.Doubles("env_actions"), chunk.EnvironmentActions);

        static void Close(double[] expected, ReadOnlySpan<double> actual)
        {
            for (int i = 0; i < expected.Length; i++)
            {
                double difference = Math.Abs(actual[i] - expected[i]);
                Assert.True(difference <= Relative * Math.Abs(expected[i]), $"{i}: {actual[i]:r}, golden {expected[i]:r}.");
            }
        }
    });

    [Fact]
    public void ReferenceLayers_CaseWithoutTies_EqualGolden()
    {
        // The judge of the other tests is held to the goldens too: no element of this case is near enough to a tie to be moved.
        var golden = GoldenCase.Open(GoldenCase.NanoTight);
        using var policy = models.Load(golden);
        var stages = new GoldenStages(golden, policy);
        var g = policy.Model.Manifest.Geometry;
        for (int i = 0; i < g.VisionLayers; i++)
        {
            AllRows(ReferenceVisionLayer.Read(policy.Model, i), stages.VisionLayerInput(i), golden.Outputs.Floats($"vision.layer.{i}"));
        }

        for (int i = 0; i < g.Layers; i++)
        {
            var layer = ReferenceDecoderLayer.Read(policy.Model, i, golden.SequenceLength);
            AllRows(layer, stages.DecoderLayerInput(i), golden.Outputs.Floats($"llm.layer.{i}"));
        }

        static void AllRows(ReferenceLayer layer, float[] input, float[] expected)
        {
            layer.SetInput(input);
            var none = new Dictionary<int, Levels>();
            for (int row = 0; row < layer.Inputs.Length; row++)
            {
                float[] actual = Array.ConvertAll(layer.Outputs(row, none).First(), value => (float)value);
                var deviation = Deviation.Of(actual, expected.AsSpan(row * layer.Width, layer.Width));
                Assert.True(deviation.Max <= 1e-5, $"Row {row}: {deviation.Max:g3}.");
            }
        }
    }

    [Fact]
    public void RowExplanation_RowsThatNoTieLeadsTo_AreNotMatched()
    {
        // What the judge must not accept: eight levels moved by one step that are nowhere near a tie, and one value off by twice the
        // bound.
        const int Moves = 8;
        var golden = GoldenCase.Open("vla_sharded_tied");
        using var policy = models.Load(golden);
        var stages = new GoldenStages(golden, policy);
        var layer = ReferenceDecoderLayer.Read(policy.Model, 1, golden.SequenceLength);
        layer.SetInput(stages.DecoderLayerInput(1));
        float[] expected = golden.Outputs.Floats("llm.layer.1");
        double bound = 1e-4 * Deviation.Of(expected, expected).RmsReference;
        var explanation = new RowExplanation(layer, bound);
        for (int row = 0; row < layer.Inputs.Length; row += 30)
        {
            var levels = layer.Inputs[row];
            int[] far = [.. Enumerable.Range(0, layer.Width).Where(i => levels.Values[i] is > 10 and < 100)
                .Except(levels.Ties.Select(tie => tie.Column))];
            var moves = far.Take(Moves).Select(i => new Tie(i, 0.25, levels.Values[i] + 1));
            var moved = new Dictionary<int, Levels> { [row] = levels.Moved(moves) };
            Assert.False(explanation.Matches(row, Array.ConvertAll(layer.Outputs(row, moved).First(), value => (float)value)));

            float[] right = expected[(row * layer.Width)..((row + 1) * layer.Width)];
            Assert.True(explanation.Matches(row, right));
            right[far[0]] += (float)(2.0 * bound);
            Assert.False(explanation.Matches(row, right));
        }
    }

    private void Check(string name, Action<GoldenCase, GoldenStages> check)
    {
        var golden = GoldenCase.Open(name);
        using var policy = models.Load(golden);
        check(golden, new GoldenStages(golden, policy));
    }

    // Stages without a quantiser: float32 rounding only.
    private void Tight(GoldenCase golden, string doorway, float[] actual)
    {
        float[] expected = golden.Outputs.Floats(doorway);
        double worst = Deviation.OfLargestInRow(actual, expected, golden.Outputs.Shape(doorway)[^1]);
        Write($"{doorway}: {worst:g3} of the row's largest magnitude");
        Assert.True(worst <= TightBound, $"{doorway}: {worst:g3} of the row's largest magnitude.");
        if (golden.Tight)
        {
            double max = Deviation.Of(actual, expected).Max;
            Assert.True(max <= TightBound, $"{doorway}: max {max:g3}.");
        }
    }

    private void Layer(GoldenCase golden, string doorway, float[] actual, float[] input, ReferenceLayer reference)
    {
        float[] expected = golden.Outputs.Floats(doorway);
        var deviation = Deviation.Of(actual, expected);
        double rowBound = 1e-4 * deviation.RmsReference;
        int width = reference.Width;
        int rows = expected.Length / width;
        int[] outside = [.. Enumerable.Range(0, rows).Where(row =>
            Deviation.Of(actual.AsSpan(row * width, width), expected.AsSpan(row * width, width)).Max > rowBound)];
        reference.SetInput(input);
        var explanation = new RowExplanation(reference, rowBound);
        bool Matches(int row, float[] values) => explanation.Matches(row, values.AsSpan(row * width, width));
        int[] unexplained = [.. outside.Where(row => !Matches(row, actual) || !Matches(row, expected))];
        int explained = outside.Length - unexplained.Length;
        Write($"{doorway}: {outside.Length} of {rows} rows outside, {explained} explained");
        Write($"{doorway}: relative rms {deviation.Relative:g3}, max {deviation.Max:g3}");
        Assert.Empty(unexplained);
        Assert.True(outside.Length <= Math.Max(2.0, 0.04 * rows), $"{doorway}: {outside.Length} of {rows} rows outside.");
        Assert.True(deviation.Max <= 0.1 * deviation.RmsReference + 0.05, $"{doorway}: max {deviation.Max:g3}.");
        Assert.True(deviation.Relative <= 2e-3, $"{doorway}: relative rms {deviation.Relative:g3}.");
        if (golden.Tight)
        {
            Assert.True(deviation.Max <= TightBound, $"{doorway}: max {deviation.Max:g3}.");
        }
    }

    private void Write(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
