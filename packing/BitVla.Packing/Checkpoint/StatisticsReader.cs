using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>dataset_statistics.json: one entry an un-normalisation key.</summary>
internal static class StatisticsReader
{
    private const int MaxKeys = 256;

    /// <summary>Reads every key whose action width is <paramref name="actionDim"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="actionDim">Width of actions, from the action head.</param>
    /// <param name="proprioDim">Width of proprio, from the projector; 0 without one.</param>
    /// <param name="notes">Receives a line for each key left out.</param>
    public static IReadOnlyList<ModelStatistics> Read(string path, int actionDim, int proprioDim, List<string> notes)
    {
        var all = new List<ModelStatistics>();
        var root = JsonField.Read(path);
        foreach (var (name, entry) in root.Members())
        {
            int width = entry["action"]["q01"].Length;
            if (width != actionDim)
            {
                notes.Add($"dataset_statistics.json: {name} has actions of width {width}, the head gives {actionDim}: left out");
                continue;
            }

            if (all.Count == MaxKeys)
            {
                throw root.Wrong(ArtifactError.LimitExceeded, $"at most {MaxKeys} un-normalisation keys", "more");
            }

            all.Add(Entry(name, entry, actionDim, proprioDim));
        }

        return all.Count > 0
            ? all
            : throw root.Wrong(ArtifactError.Missing, $"an un-normalisation key with actions of width {actionDim}", string.Join("; ", notes.DefaultIfEmpty("none")));
    }

    private static ModelStatistics Entry(string name, JsonField entry, int actionDim, int proprioDim)
    {
        var (actionQ01, actionQ99, actionMask) = Bounds(entry["action"], actionDim);
        var (proprioQ01, proprioQ99, proprioMask) = proprioDim > 0 ? Bounds(entry["proprio"], proprioDim) : ([], [], []);
        return new ModelStatistics
        {
            Name = name,
            ActionQ01 = actionQ01,
            ActionQ99 = actionQ99,
            ActionMask = actionMask,
            ProprioQ01 = proprioQ01,
            ProprioQ99 = proprioQ99,
            ProprioMask = proprioMask,
        };
    }

    private static (double[] Q01, double[] Q99, bool[] Mask) Bounds(JsonField of, int width)
    {
        double[] low = of["q01"].Numbers(width);
        double[] high = of["q99"].Numbers(width);
        bool[] mask = of.Optional("mask") is { IsMissing: false } given ? given.Bools(width) : Enumerable.Repeat(true, width).ToArray();
        if (ModelStatistics.IndexOfBadBounds(low, high) is >= 0 and var bad)
        {
            throw of["q01"].Wrong(ArtifactError.Contradiction, $"at most q99, {high[bad]}, and at a finite distance from it, at index {bad}", $"{low[bad]}");
        }

        return (low, high, mask);
    }
}
