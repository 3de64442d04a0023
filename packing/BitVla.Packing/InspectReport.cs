using BitVla.Format;
using BitVla.Format.Gguf;

namespace BitVla.Packing;

/// <summary>A tensor as inspect shows it.</summary>
internal sealed record InspectedTensor(GgufTensor Tensor, string Component, LogicalMatrix? Matrix, TernaryHistogram? Histogram);

/// <summary>What inspect finds out about a packed file.</summary>
internal sealed class InspectReport
{
    /// <summary>Components in file order; every tensor belongs to one.</summary>
    public static readonly string[] Components = ["vision", "connector", "proprio", "decoder", "head", "lm_head", "embedding", "metadata"];

    /// <summary>Reads a model; ternary codes are counted, all other tensor bytes stay untouched.</summary>
    public InspectReport(PackedModel model, Action<long, string> report, CancellationToken cancellation)
    {
        var plan = TensorPlan.For(model.Manifest.Geometry);
        var found = new List<InspectedTensor>();
        for (int i = 0; i < plan.Count; i++)
        {
            var tensor = model.Document.Tensors[i];
            report(tensor.Offset, tensor.Name);
            var matrix = LogicalMatrix.Of(model.Manifest.Geometry, plan[i]);
            bool ternary = tensor.Type == GgufTensorType.I8;
            TernaryHistogram? histogram = ternary ? TernaryHistogram.Count(model, tensor, matrix!, cancellation) : null;
            found.Add(new InspectedTensor(tensor, Component(tensor.Name), matrix, histogram));
        }

        Tensors = found;
        Histogram = found.Aggregate(default(TernaryHistogram), (sum, t) => sum + (t.Histogram ?? default));
        long ternaryBytes = found.Where(t => t.Histogram is not null).Sum(t => t.Tensor.Bytes);
        long ternaryWeights = found.Where(t => t.Histogram is not null).Sum(t => (long)t.Matrix!.N * t.Matrix.K);
        Parameters = found.Where(t => t.Tensor.Type != GgufTensorType.I64)
            .Sum(t => t.Matrix is { } m ? (long)m.N * m.K : t.Tensor.Elements);
        BitsPerTernaryWeight = ternaryWeights == 0 ? 0 : 8.0 * ternaryBytes / ternaryWeights;
        BitsPerParameter = 8.0 * model.Length / Parameters;
        BytesOf = Components.ToDictionary(c => c, c => found.Where(t => t.Component == c).Sum(t => t.Tensor.Bytes), StringComparer.Ordinal);

        // Everything that is no tensor: directory and gaps. The components then add up to the file.
        BytesOf["metadata"] = model.Length - BytesOf.Values.Sum();
    }

    /// <summary>All tensors in file order.</summary>
    public IReadOnlyList<InspectedTensor> Tensors { get; }

    /// <summary>Histogram of all ternary weights.</summary>
    public TernaryHistogram Histogram { get; }

    /// <summary>Weights, biases, norms and scales, without padding.</summary>
    public long Parameters { get; }

    /// <summary>Stored bits of a ternary weight, padding included.</summary>
    public double BitsPerTernaryWeight { get; }

    /// <summary>Bits of the whole file for each parameter.</summary>
    public double BitsPerParameter { get; }

    /// <summary>Bytes of each component; the sum is the file's length.</summary>
    public Dictionary<string, long> BytesOf { get; }

    private static string Component(string name) => name.Split('.')[0] switch
    {
        "v" => "vision",
        "mm" => "connector",
        "proprio" => "proprio",
        "action" => "head",
        "output" => "lm_head",
        "token_embd" => "embedding",
        _ => "decoder",
    };
}
