using System.Runtime.InteropServices;
using BitVla.Contracts;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Model;
using BitVla.Packing.Synth;

namespace BitVla.Parity.Tests;

/// <summary>Observations that are not what the model takes, and a model whose answer is not a number.</summary>
public sealed class RefusalTests(PackedModels models)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> WrongObservations => new()
    {
        { "wrong camera", "images[1]" },
        { "cameras in another order", "images[0]" },
        { "one camera too few", "images" },
        { "one camera too many", "images" },
        { "state too short", "state" },
        { "state too long", "state" },
        { "state with NaN", "state[3]" },
        { "state with infinity", "state[0]" },
        { "instruction too long", "instruction" },
        { "instruction of too many tokens", "instruction" },
        { "blank instruction", "instruction" },
    };

    [Theory]
    [MemberData(nameof(WrongObservations))]
    public void Predict_WrongObservation_IsRefusedByName(string wrong, string field)
    {
        using var policy = Load(models.Synthetic(SynthPresets.Awkward, 7));
        var right = SyntheticObservation.For(policy.Model.Manifest, 17);
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        var refusal = Assert.Throws<ObservationException>(() => policy.Predict(Spoil(right, wrong), chunk, Token));
        Assert.Equal(field, refusal.Field);

        // The refusal costs nothing but this pass.
        policy.Predict(right, chunk, Token);
        Assert.All(chunk.Normalized.Values.ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Predict_StateForAModelWithoutProprio_IsRefused()
    {
        var golden = GoldenCase.Open("vla_single_bf16vit");
        using var policy = models.Load(golden);
        var right = golden.Observation();
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        var refusal = Assert.Throws<ObservationException>(() =>
            policy.Predict(new Observation(right.Frames, new double[8], right.Instruction), chunk, Token));
        Assert.Equal("state", refusal.Field);
    }

    [Theory]
    [InlineData("action.fc2.weight")]
    [InlineData("action.norm1.weight")]
    [InlineData("output_norm.weight")]
    [InlineData("blk.0.attn_sub_norm.weight")]
    [InlineData("blk.1.ffn_sub_norm.weight")]
    [InlineData("blk.0.attn_norm.weight")]
    [InlineData("v.blk.0.ln2.weight")]
    [InlineData("mm.2.weight")]
    public void Predict_PassOverflowsAnywhere_NamesTheFirstActionAndLeavesTheChunkAlone(string tensor)
    {
        // Every weight is finite, so the file loads; what it computes is not, and neither ReLU nor quantiser nor softmax may hide it.
        const ushort LargestBFloat16 = 0x7F7F;
        string path = models.NewFile($"overflowing-{tensor}.bitvla");
        var synth = new SynthModel("overflow", SynthPresets.Geometry(SynthPresets.Awkward), 7, headBias: null);
        using (var sound = PackedModel.Open(models.Synthetic(SynthPresets.Awkward, 7)))
        using (var writer = new PackedModelWriter(path, synth.Manifest, synth.Tokenizer.ToContent()))
        {
            foreach (var entry in writer.Plan)
            {
                byte[] bytes = sound.Bytes(sound.Tensor(entry.Name), 0, (int)entry.Bytes).ToArray();
                if (entry.Name == tensor && entry.Type == GgufTensorType.BF16)
                {
                    MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()).Fill(LargestBFloat16);
                }
                else if (entry.Name == tensor)
                {
                    MemoryMarshal.Cast<byte, float>(bytes.AsSpan()).Fill(float.MaxValue);
                }

                writer.Write(entry.Name, bytes);
            }

            writer.Commit();
        }

        using var policy = Load(path);
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        var failure = Assert.Throws<NonFiniteActionException>(() =>
            policy.Predict(SyntheticObservation.For(policy.Model.Manifest, 17), chunk, Token));
        Assert.StartsWith("normalized_actions[", failure.Message, StringComparison.Ordinal);
        Assert.All(chunk.Normalized.Values.ToArray(), value => Assert.Equal(0f, value));
        Assert.All(chunk.EnvironmentActions.ToArray(), value => Assert.Equal(0.0, value));
    }

    private static BitVlaPolicy Load(string file) => BitVlaPolicy.Load(file, new PolicyOptions { Threads = 2 }, Token);

    private static Observation Spoil(Observation right, string how)
    {
        var frames = right.Frames.ToList();
        double[] state = right.Proprio.ToArray();
        string instruction = right.Instruction;
        switch (how)
        {
            case "wrong camera":
                frames[1] = new CameraFrame("ceiling", frames[1].Width, frames[1].Height, frames[1].Rgb);
                break;
            case "cameras in another order":
                frames.Reverse();
                break;
            case "one camera too few":
                frames.RemoveAt(1);
                break;
            case "one camera too many":
                frames.Add(frames[0]);
                break;
            case "state too short":
                state = state[1..];
                break;
            case "state too long":
                state = [.. state, 0.0];
                break;
            case "state with NaN":
                state[3] = double.NaN;
                break;
            case "state with infinity":
                state[0] = double.PositiveInfinity;
                break;
            case "instruction too long":
                instruction = new string('a', 1 << 16);
                break;
            case "instruction of too many tokens":
                instruction = string.Concat(Enumerable.Repeat("the ", ModelGeometry.MaxPromptTokens));
                break;
            default:
                instruction = "  ";
                break;
        }

        return new Observation(frames, state, instruction);
    }
}
