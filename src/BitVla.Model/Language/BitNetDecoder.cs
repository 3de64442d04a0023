using BitVla.Format;
using BitVla.Kernels;

namespace BitVla.Model.Language;

/// <summary>BitNet b1.58 decoder, bidirectional, one pass: the assembled sequence [S, D] to normed hidden states.</summary>
/// <remarks>Source: modeling_bitnet.py of the authors; BITVLA.md section 5. Every query sees every key.</remarks>
internal sealed unsafe class BitNetDecoder
{
    private readonly ModelGeometry g;
    private readonly Operations operations;
    private readonly DecoderLayer[] layers;
    private readonly float* finalNorm;
    private readonly RotaryEmbedding rotary;
    private readonly float* qkv;
    private readonly float* context;
    private readonly float* gateUp;
    private readonly sbyte* levels;
    private readonly float* scales;

    public BitNetDecoder(PackedModel model, Operations operations, RotaryEmbedding rotary, float* x, Arena arena)
    {
        g = model.Manifest.Geometry;
        this.operations = operations;
        this.rotary = rotary;
        X = x;
        layers = [.. Enumerable.Range(0, g.Layers).Select(i => new DecoderLayer(model, i))];
        finalNorm = model.Floats(TensorNames.FinalNorm);
        int rows = g.MaxSequence;
        qkv = arena.Place<float>((long)rows * g.QkvRows);
        context = arena.Place<float>((long)rows * g.Width);
        gateUp = arena.Place<float>((long)rows * 2 * g.FeedForward);
        levels = arena.Place<sbyte>((long)rows * QuantizedActivations.StrideFor(Math.Max(g.Width, g.FeedForward)));
        scales = arena.Place<float>(rows);
    }

    /// <summary>The residual stream [S, D]: the assembled sequence before the first layer.</summary>
    public float* X { get; }

    /// <summary>Normed hidden states [S, D]; after a pruned pass only the read-out rows are valid. Shares memory with attention.</summary>
    public float* Normed => context;

    /// <summary>Runs all layers and the final norm.</summary>
    /// <param name="sequence">Tokens S.</param>
    /// <param name="firstRow">First row of the last layer that is needed.</param>
    /// <param name="rowCount">Number of rows of the last layer that are needed; S for an unpruned pass.</param>
    /// <param name="trace">Sees each layer's output; needs an unpruned pass.</param>
    /// <param name="cancellation">Checked between tiles.</param>
    public void Run(int sequence, int firstRow, int rowCount, DoorwayTrace? trace, CancellationToken cancellation)
    {
        for (int i = 0; i < layers.Length; i++)
        {
            bool last = i == layers.Length - 1;
            RunLayer(i, sequence, last ? firstRow : 0, last ? rowCount : sequence, cancellation);
            trace?.Record($"llm.layer.{i}", X, sequence, g.Width);
        }

        RunFinalNorm(firstRow, rowCount, cancellation);
        trace?.Record("llm.final_norm", Normed, sequence, g.Width);
    }

    /// <summary>One layer on <see cref="X"/>, in place. Keys and values come from all rows, the rest from the rows needed.</summary>
    public void RunLayer(int index, int sequence, int firstRow, int rows, CancellationToken cancellation)
    {
        var layer = layers[index];
        var all = new QuantizedActivations(levels, scales, sequence, g.Width);
        var some = new QuantizedActivations(levels, scales, rows, g.Width);
        var wide = new QuantizedActivations(levels, scales, rows, g.FeedForward);
        float* x = X + (nint)firstRow * g.Width;
        float* attended = context + (nint)firstRow * g.Width;
        float* k = qkv + g.Width;
        float* v = k + g.KvWidth;

        operations.RmsNormQuantize(X, g.Width, layer.InputNorm, g.RmsEpsilon, all, cancellation);
        operations.BitLinear(layer.Qkv.Weight, all, null, qkv, g.QkvRows, OutputMode.Store, cancellation);
        // q and k stand side by side, so one pass turns both.
        operations.Rope(qkv, g.QkvRows, sequence, 0, g.Heads + g.KvHeads, g.HeadDim, rotary.Cos, rotary.Sin, cancellation);
        operations.Attention(
            qkv + (nint)firstRow * g.QkvRows, g.QkvRows, k, g.QkvRows, v, g.QkvRows,
            1, rows, sequence, g.Heads, g.KvHeads, g.HeadDim, Weights.AttentionScale(g.HeadDim), attended, g.Width, cancellation);
        operations.RmsNormQuantize(attended, g.Width, layer.AttentionSubNorm, g.RmsEpsilon, some, cancellation);
        operations.BitLinear(layer.Output.Weight, some, null, x, g.Width, OutputMode.Add, cancellation);

        operations.RmsNormQuantize(x, g.Width, layer.PostAttentionNorm, g.RmsEpsilon, some, cancellation);
        operations.BitLinear(layer.GateUp.Weight, some, null, gateUp, 2 * g.FeedForward, OutputMode.Store, cancellation);
        operations.SquaredReluGateNormQuantize(gateUp, 2 * g.FeedForward, layer.FfnSubNorm, g.RmsEpsilon, wide, cancellation);
        operations.BitLinear(layer.Down.Weight, wide, null, x, g.Width, OutputMode.Add, cancellation);
    }

    /// <summary>The final RMSNorm of some rows, into <see cref="Normed"/>.</summary>
    public void RunFinalNorm(int firstRow, int rows, CancellationToken cancellation)
    {
        nint at = (nint)firstRow * g.Width;
        operations.RmsNorm(X + at, g.Width, rows, g.Width, finalNorm, g.RmsEpsilon, Normed + at, g.Width, cancellation);
    }
}
