using System.Globalization;
using BitVla.Format;
using BitVla.Kernels.Dispatch;
using BitVla.Model.Text;

namespace BitVla.Parity.Tests;

/// <summary>Whole passes on the golden cases, each stage fed by our own previous one; BITVLA.md section 12.2.</summary>
public sealed class FreeRunningTests(PackedModels models, ITestOutputHelper output)
{
    // Where nothing is quantised on the way, float rounding is all there is between two correct implementations.
    private const double TightBound = 1e-4;

    public static TheoryData<string, string> CasesAndKernels
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string name in GoldenCase.Names.Select(row => row.Data))
            {
                foreach (string kernel in KernelSelector.Available)
                {
                    data.Add(name, kernel);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(CasesAndKernels))]
    public void Pass_EveryCaseAndKernel_StaysWithinTheEndToEndBounds(string name, string kernel)
    {
        var golden = GoldenCase.Open(name);
        using var policy = models.Load(golden, options => options with { Kernel = kernel });
        var pass = RecordedPass.Of(policy, golden.Observation());
        if (golden.Tight)
        {
            foreach (string doorway in pass.Doorways.Where(golden.Outputs.Names.Contains))
            {
                var deviation = golden.Outputs.Type(doorway) == "F64"
                    ? Deviation.Of(pass.Doubles(doorway), golden.Outputs.Doubles(doorway))
                    : Deviation.Of(pass.Floats(doorway), golden.Outputs.Floats(doorway));
                Assert.True(deviation.Max <= TightBound, $"{doorway} is the first doorway outside: max {deviation.Max:g3}.");
            }
        }

        var norm = Deviation.Of(pass.Floats("llm.final_norm"), golden.Outputs.Floats("llm.final_norm"));
        var actions = Deviation.Of(pass.Floats("normalized_actions"), golden.Outputs.Floats("normalized_actions"));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"final norm {norm.Relative:p3}, normalised actions rms {actions.Rms:g3} max {actions.Max:g3}"));
        Assert.True(norm.Relative <= 0.03, $"final norm: relative rms {norm.Relative:g3}.");
        Assert.True(actions.Rms <= 0.06, $"normalised actions: rms {actions.Rms:g3}.");
        Assert.True(actions.Max <= 0.2, $"normalised actions: max {actions.Max:g3}.");
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Pixels_EveryCase_LieWithinOneGreyLevel(string name)
    {
        // The crop and the resizer round to whole grey levels: what the goldens allow is one of them, in a few places.
        const double GreyLevel = 2.0 / 255.0;
        const double BFloat16Step = 1.0 / 128.0 / 2.0;
        var golden = GoldenCase.Open(name);
        using var policy = models.Load(golden);
        float[] expected = Array.ConvertAll(golden.Inputs.Floats("pixel_values"), GoldenStages.BFloat16);
        float[] actual = RecordedPass.Of(policy, golden.Observation()).Floats("pixel_values");
        int different = actual.Zip(expected).Count(pair => pair.First != pair.Second);
        output.WriteLine($"{different} of {expected.Length} pixel values differ");
        Assert.True(Deviation.Of(actual, expected).Max <= GreyLevel + BFloat16Step);
        Assert.True(different <= expected.Length / 1000, $"{different} of {expected.Length} pixel values differ.");
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Prompt_EveryCase_HasTheAuthorsIds(string name)
    {
        var golden = GoldenCase.Open(name);
        using var model = PackedModel.Open(models.File(golden));
        var prompt = new PromptAssembler(model.Manifest, new Tokenizer(model.Tokenizer));
        int[] ids = new int[model.Manifest.Geometry.MaxSequence];
        var layout = prompt.Assemble(golden.Observation().Instruction, ids);
        Assert.Equal(golden.Inputs.Integers("input_ids"), ids.Take(layout.Length).Select(id => (long)id));
        Assert.Equal(golden.SequenceLength, layout.Length);
    }

    [Theory]
    [MemberData(nameof(GoldenCase.Names), MemberType = typeof(GoldenCase))]
    public void Sequence_EveryCase_HoldsTextImagesProprioAndEmptySlotsInTheirPlaces(string name)
    {
        var golden = GoldenCase.Open(name);
        using var policy = models.Load(golden);
        var g = policy.Model.Manifest.Geometry;
        var pass = RecordedPass.Of(policy, golden.Observation());
        float[] sequence = pass.Floats("llm.inputs_embeds");
        float[] expected = golden.Outputs.Floats("llm.inputs_embeds");
        Assert.Equal(golden.SequenceLength * g.Width, sequence.Length);

        // Text rows and slots are copies: the golden's bits. Rows that our own stages computed are those stages' bits.
        long[] ids = golden.Inputs.Integers("input_ids");
        var images = new Queue<float[]>(pass.Floats("projector").Chunk(g.Width));
        int proprio = 0;
        for (int row = 0; row < ids.Length; row++)
        {
            float[] right = expected[(row * g.Width)..((row + 1) * g.Width)];
            if (ids[row] == policy.Model.Manifest.ImageToken)
            {
                right = images.Dequeue();
            }
            else if (ids[row] == policy.Model.Manifest.ProprioToken && g.ProprioDim > 0)
            {
                right = pass.Floats("proprio.projected");
                proprio++;
            }

            Assert.True(sequence.AsSpan(row * g.Width, g.Width).SequenceEqual(right), $"Row {row}, id {ids[row]}.");
        }

        Assert.Empty(images);
        Assert.Equal(g.ProprioDim > 0 ? 1 : 0, proprio);
    }
}
