namespace BitVla.Parity.Tests;

/// <summary>Decides whether two outputs of one layer row that differ are both correct roundings of the same input.</summary>
/// <remarks>
/// A row is matched when the double-precision layer gives it within the tolerance with some rounding ties decided the other way:
/// those of the row at any quantiser, and at the qkv input those of any row it attends to, one or two at a time.
/// </remarks>
internal sealed class RowExplanation(ReferenceLayer layer, double tolerance)
{
    // Pairs are tried among the nearest ties only; two implementations disagree where float32 noise reaches.
    private const int PairTies = 24;

    // What matched last is tried first: a key or value that moved shows in many rows.
    private IReadOnlyDictionary<int, Levels> last = new Dictionary<int, Levels>();

    /// <summary>Whether a set of moved ties leads to these values.</summary>
    public bool Matches(int row, ReadOnlySpan<float> values)
    {
        float[] target = values.ToArray();
        foreach (var moved in QkvMoves(row).Prepend(last))
        {
            if (layer.Outputs(row, moved).Any(output => Close(output, target)))
            {
                last = moved;
                return true;
            }
        }

        return false;
    }

    private IEnumerable<IReadOnlyDictionary<int, Levels>> QkvMoves(int row)
    {
        int first = row / layer.GroupRows * layer.GroupRows;
        yield return new Dictionary<int, Levels>();
        var ties = Enumerable.Range(first, layer.GroupRows)
            .SelectMany(i => layer.Inputs[i].Ties.Select(tie => (Row: i, Tie: tie)))
            .OrderBy(entry => entry.Tie.Distance)
            .ToArray();
        foreach (var (at, tie) in ties)
        {
            yield return new Dictionary<int, Levels> { [at] = layer.Inputs[at].Moved([tie]) };
        }

        var near = ties.Take(PairTies).ToArray();
        for (int a = 0; a < near.Length; a++)
        {
            for (int b = 0; b < a; b++)
            {
                yield return near[a].Row == near[b].Row
                    ? new Dictionary<int, Levels> { [near[a].Row] = layer.Inputs[near[a].Row].Moved([near[a].Tie, near[b].Tie]) }
                    : new Dictionary<int, Levels>
                    {
                        [near[a].Row] = layer.Inputs[near[a].Row].Moved([near[a].Tie]),
                        [near[b].Row] = layer.Inputs[near[b].Row].Moved([near[b].Tie]),
                    };
            }
        }
    }

    private bool Close(double[] output, float[] target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            if (!(Math.Abs(output[i] - target[i]) <= tolerance))
            {
                return false;
            }
        }

        return true;
    }
}
