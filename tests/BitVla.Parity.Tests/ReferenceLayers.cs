using BitVla.Format;

namespace BitVla.Parity.Tests;

/// <summary>A quantised transformer layer in double precision and plain loops, written from BITVLA.md and not from the engine.</summary>
/// <remarks>
/// It can decide rounding ties either way at each of its four quantisers, which tells whether a row that differs from a golden is
/// another correct rounding or a mistake. Both towers share the shape: norm, qkv, attention, product, norm, product, activation,
/// product; they differ in norms, activation, rotation and grouping.
/// </remarks>
internal abstract unsafe class ReferenceLayer
{
    private double[][] x = [];
    private double[][] qkv = [];

    public required int Width { get; init; }

    /// <summary>Rows that attend to each other: one image, or the whole sequence.</summary>
    public required int GroupRows { get; init; }

    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    public required ReferenceMatrix Qkv { get; init; }

    public required ReferenceMatrix Out { get; init; }

    public required ReferenceMatrix Up { get; init; }

    public required ReferenceMatrix Down { get; init; }

    /// <summary>The quantised input of q, k and v, each row.</summary>
    public Levels[] Inputs { get; private set; } = [];

    private int HeadDim => Width / Heads;

    private int KvWidth => KvHeads * HeadDim;

    public static double[] Doubles(PackedModel model, string tensor, int count) =>
        Array.ConvertAll(new ReadOnlySpan<float>(model.Floats(tensor), count).ToArray(), value => (double)value);

    /// <summary>Sets the layer's input [rows, Width] and computes queries, keys and values.</summary>
    public void SetInput(ReadOnlySpan<float> values)
    {
        x = [.. values.ToArray().Chunk(Width).Select(row => Array.ConvertAll(row, value => (double)value))];
        Inputs = [.. x.Select(row => Levels.Of(FirstNorm(row)))];
        qkv = [.. Inputs.Select(Project)];
    }

    /// <summary>The outputs of a row for every way to decide its own ties, with some rows' qkv inputs replaced.</summary>
    public IEnumerable<double[]> Outputs(int row, IReadOnlyDictionary<int, Levels> replaced)
    {
        var changed = replaced.ToDictionary(entry => entry.Key, entry => Project(entry.Value, entry.Key));
        double[] context = ContextNorm(Attend(row, i => changed.TryGetValue(i, out double[]? other) ? other : qkv[i]));
        foreach (var attended in Levels.Of(context).Choices())
        {
            double[] middle = Sum(x[row], Out.Multiply(attended));
            foreach (var narrow in Levels.Of(SecondNorm(middle)).Choices())
            {
                foreach (var wide in Levels.Of(Activate(Up.Multiply(narrow))).Choices())
                {
                    yield return Sum(middle, Down.Multiply(wide));
                }
            }
        }
    }

    protected abstract double[] FirstNorm(double[] row);

    /// <summary>What lies between attention and its output product.</summary>
    protected abstract double[] ContextNorm(double[] row);

    protected abstract double[] SecondNorm(double[] row);

    /// <summary>What lies between the two products of the feed-forward part.</summary>
    protected abstract double[] Activate(double[] row);

    /// <summary>Rotates a head's query or key by its position.</summary>
    protected abstract void Rotate(Span<double> head, int position);

    private double[] Project(Levels levels, int row)
    {
        double[] y = Qkv.Multiply(levels);
        for (int head = 0; head < Heads + KvHeads; head++)
        {
            Rotate(y.AsSpan(head * HeadDim, HeadDim), row);
        }

        return y;
    }

    private double[] Attend(int row, Func<int, double[]> projected)
    {
        int first = row / GroupRows * GroupRows;
        double[][] rows = [.. Enumerable.Range(first, GroupRows).Select(projected)];
        double[] own = rows[row - first];
        var context = new double[Width];
        var scores = new double[GroupRows];
        for (int head = 0; head < Heads; head++)
        {
            int q = head * HeadDim;
            int k = Width + head / (Heads / KvHeads) * HeadDim;
            int v = k + KvWidth;
            for (int i = 0; i < GroupRows; i++)
            {
                double dot = 0.0;
                for (int d = 0; d < HeadDim; d++)
                {
                    dot += own[q + d] * rows[i][k + d];
                }

                scores[i] = dot / Math.Sqrt(HeadDim);
            }

            double largest = scores.Max();
            double total = 0.0;
            for (int i = 0; i < GroupRows; i++)
            {
                double weight = Math.Exp(scores[i] - largest);
                total += weight;
                for (int d = 0; d < HeadDim; d++)
                {
                    context[q + d] += weight * rows[i][v + d];
                }
            }

            for (int d = 0; d < HeadDim; d++)
            {
                context[q + d] /= total;
            }
        }

        return context;
    }

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (left, right) => left + right)];
}

/// <summary>A layer of the ternary SigLIP tower; BITVLA.md section 6.</summary>
internal sealed class ReferenceVisionLayer : ReferenceLayer
{
    private readonly double epsilon;
    private readonly double[][] norms;

    private ReferenceVisionLayer(double epsilon, double[][] norms) => (this.epsilon, this.norms) = (epsilon, norms);

    public static ReferenceVisionLayer Read(PackedModel model, int layer)
    {
        var g = model.Manifest.Geometry;
        int d = g.VisionWidth;
        string Name(string part, string kind) => TensorNames.Vision(layer, part, kind);
        ReferenceMatrix Matrix(string part, int k, params int[] segments) =>
            new(model, kind => Name(part, kind), k, hasBias: true, segments);
        double[] Norm(string part, string kind) => Doubles(model, Name(part, kind), d);
        double[][] norms = [Norm("ln1", "weight"), Norm("ln1", "bias"), Norm("ln2", "weight"), Norm("ln2", "bias")];
        return new ReferenceVisionLayer(g.VisionEpsilon, norms)
        {
            Width = d,
            GroupRows = g.Patches,
            Heads = g.VisionHeads,
            KvHeads = g.VisionHeads,
            Qkv = Matrix("attn_qkv", d, d, d, d),
            Out = Matrix("attn_out", d, d),
            Up = Matrix("ffn_up", d, g.VisionFeedForward),
            Down = Matrix("ffn_down", g.VisionFeedForward, d),
        };
    }

    protected override double[] FirstNorm(double[] row) => LayerNorm(row, norms[0], norms[1]);

    protected override double[] ContextNorm(double[] row) => row;

    protected override double[] SecondNorm(double[] row) => LayerNorm(row, norms[2], norms[3]);

    protected override double[] Activate(double[] row) =>
        Array.ConvertAll(row, u => 0.5 * u * (1.0 + Math.Tanh(Math.Sqrt(2.0 / Math.PI) * (u + 0.044715 * u * u * u))));

    protected override void Rotate(Span<double> head, int position)
    {
    }

    private double[] LayerNorm(double[] row, double[] weight, double[] bias)
    {
        double mean = row.Average();
        double deviation = Math.Sqrt(row.Average(u => (u - mean) * (u - mean)) + epsilon);
        return [.. row.Select((u, i) => (u - mean) / deviation * weight[i] + bias[i])];
    }
}

/// <summary>A layer of the BitNet decoder; BITVLA.md section 5.</summary>
internal sealed class ReferenceDecoderLayer : ReferenceLayer
{
    private readonly double epsilon;
    private readonly float theta;
    private readonly double[] inputNorm;
    private readonly double[] subNorm;
    private readonly double[] postNorm;
    private readonly double[] ffnNorm;

    private ReferenceDecoderLayer(PackedModel model, int layer)
    {
        var g = model.Manifest.Geometry;
        epsilon = g.RmsEpsilon;
        theta = g.RopeTheta;
        inputNorm = Doubles(model, TensorNames.Decoder(layer, "attn_norm", "weight"), g.Width);
        subNorm = Doubles(model, TensorNames.Decoder(layer, "attn_sub_norm", "weight"), g.Width);
        postNorm = Doubles(model, TensorNames.Decoder(layer, "ffn_norm", "weight"), g.Width);
        ffnNorm = Doubles(model, TensorNames.Decoder(layer, "ffn_sub_norm", "weight"), g.FeedForward);
    }

    public static ReferenceDecoderLayer Read(PackedModel model, int layer, int sequence)
    {
        var g = model.Manifest.Geometry;
        ReferenceMatrix Matrix(string part, int k, params int[] segments) =>
            new(model, kind => TensorNames.Decoder(layer, part, kind), k, hasBias: false, segments);
        return new ReferenceDecoderLayer(model, layer)
        {
            Width = g.Width,
            GroupRows = sequence,
            Heads = g.Heads,
            KvHeads = g.KvHeads,
            Qkv = Matrix("attn_qkv", g.Width, g.Width, g.KvWidth, g.KvWidth),
            Out = Matrix("attn_output", g.Width, g.Width),
            Up = Matrix("ffn_gate_up", g.Width, g.FeedForward, g.FeedForward),
            Down = Matrix("ffn_down", g.FeedForward, g.Width),
        };
    }

    protected override double[] FirstNorm(double[] row) => RmsNorm(row, inputNorm);

    protected override double[] ContextNorm(double[] row) => RmsNorm(row, subNorm);

    protected override double[] SecondNorm(double[] row) => RmsNorm(row, postNorm);

    protected override double[] Activate(double[] row)
    {
        int half = row.Length / 2;
        var gated = new double[half];
        for (int i = 0; i < half; i++)
        {
            double gate = Math.Max(row[i], 0.0);
            gated[i] = gate * gate * row[half + i];
        }

        return RmsNorm(gated, ffnNorm);
    }

    // The frequency and the angle are rounded where the authors' float32 run rounds them: at position 650 that is visible.
    protected override void Rotate(Span<double> head, int position)
    {
        int half = head.Length / 2;
        for (int i = 0; i < half; i++)
        {
            float frequency = 1f / (float)Math.Pow(theta, (float)(2 * i) / head.Length);
            float angle = position * frequency;
            double cos = (float)Math.Cos(angle);
            double sin = (float)Math.Sin(angle);
            (double a, double b) = (head[i], head[half + i]);
            head[i] = a * cos - b * sin;
            head[half + i] = b * cos + a * sin;
        }
    }

    private double[] RmsNorm(double[] row, double[] weight)
    {
        double root = Math.Sqrt(row.Average(u => u * u) + epsilon);
        return [.. row.Select((u, i) => u / root * weight[i])];
    }
}
