namespace BitVla.Parity.Tests;

/// <summary>A token's activations as int8 levels, and those that another correct implementation might round the other way.</summary>
internal sealed class Levels
{
    /// <summary>How close to a half-integer x·t must lie for float32 noise to decide the level.</summary>
    /// <remarks>|x·t| is at most 127 and float32 values here are good to about 2e-6 of the largest: 127 · 2e-6, rounded up.</remarks>
    public const double TieDistance = 3e-4;

    private const double MinMagnitude = 1e-5;

    private Levels(int[] values, double scale, Tie[] ties) => (Values, Scale, Ties) = (values, scale, ties);

    public int[] Values { get; }

    /// <summary>t = 127 / absmax.</summary>
    public double Scale { get; }

    /// <summary>Elements near a tie, the nearest first.</summary>
    public Tie[] Ties { get; }

    public static Levels Of(double[] x)
    {
        double scale = 127.0 / Math.Max(x.Max(Math.Abs), MinMagnitude);
        var values = new int[x.Length];
        var ties = new List<Tie>();
        for (int i = 0; i < x.Length; i++)
        {
            double scaled = x[i] * scale;
            double below = Math.Floor(scaled);
            double distance = Math.Abs(scaled - below - 0.5);
            values[i] = (int)Math.Round(scaled, MidpointRounding.ToEven);
            if (distance < TieDistance)
            {
                ties.Add(new Tie(i, distance, (int)below + (values[i] == (int)below ? 1 : 0)));
            }
        }

        return new Levels(values, scale, [.. ties.OrderBy(tie => tie.Distance)]);
    }

    /// <summary>The same activations with some ties decided the other way.</summary>
    public Levels Moved(IEnumerable<Tie> moved)
    {
        int[] values = [.. Values];
        foreach (var tie in moved)
        {
            values[tie.Column] = tie.Other;
        }

        return new Levels(values, Scale, Ties);
    }

    /// <summary>Every way to decide the ties, the fewest moves first; only the nearest few ties count.</summary>
    public IEnumerable<Levels> Choices()
    {
        const int MaxTies = 6;
        Tie[] near = [.. Ties.Take(MaxTies)];
        return Enumerable.Range(0, 1 << near.Length)
            .OrderBy(set => int.PopCount(set))
            .Select(set => set == 0 ? this : Moved(near.Where((_, i) => (set >> i & 1) == 1)));
    }
}

/// <summary>An activation near a rounding tie.</summary>
/// <param name="Column">Which.</param>
/// <param name="Distance">How far x·t lies from the half-integer.</param>
/// <param name="Other">The level on the other side.</param>
internal readonly record struct Tie(int Column, double Distance, int Other);
