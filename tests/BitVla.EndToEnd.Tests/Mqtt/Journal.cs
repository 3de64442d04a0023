namespace BitVla.EndToEnd.Tests.Mqtt;

/// <summary>Keeps everything that came, in order, and lets tests wait for an entry. Nothing is taken away by looking.</summary>
internal sealed class Journal<T>
{
    private readonly Lock gate = new();
    private readonly List<T> entries = [];
    private TaskCompletionSource grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(20);

    /// <summary>Entries so far; a place to wait from.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return entries.Count;
            }
        }
    }

    public void Add(T entry)
    {
        TaskCompletionSource wake;
        lock (gate)
        {
            entries.Add(entry);
            wake = grown;
            grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        wake.SetResult();
    }

    /// <summary>Entries from a place on.</summary>
    public IReadOnlyList<T> From(int place)
    {
        lock (gate)
        {
            return [.. entries.Skip(place)];
        }
    }

    /// <summary>The first entry that fits at or behind a place, and the place behind it.</summary>
    public async Task<(T Entry, int Next)> FirstAsync(Func<T, bool> fits, int place, string what, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? Patience);
        for (int i = place; ;)
        {
            Task more;
            lock (gate)
            {
                for (; i < entries.Count; i++)
                {
                    if (fits(entries[i]))
                    {
                        return (entries[i], i + 1);
                    }
                }

                more = grown.Task;
            }

            try
            {
                await more.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"expected {what}, found after {patience ?? Patience}:\n{string.Join('\n', From(place).TakeLast(30))}");
            }
        }
    }
}
