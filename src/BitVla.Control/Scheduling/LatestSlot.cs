namespace BitVla.Control.Scheduling;

/// <summary>A slot for one value between two loops: the newest wins, the writer never waits.</summary>
/// <remarks>One writer, one reader; both may be any thread.</remarks>
public sealed class LatestSlot<T> : IDisposable
    where T : class
{
    private readonly SemaphoreSlim filled = new(0, 1);
    private readonly Lock door = new();
    private T? value;

    /// <summary>Puts a value in place of the one that waits, if one does.</summary>
    /// <returns>The value that was replaced; null when the slot was empty.</returns>
    public T? Put(T newest)
    {
        ArgumentNullException.ThrowIfNull(newest);
        lock (door)
        {
            var replaced = value;
            value = newest;
            if (replaced is null)
            {
                filled.Release();
            }

            return replaced;
        }
    }

    /// <summary>Takes the value if there is one.</summary>
    public T? TryTake() => filled.Wait(0) ? TakeValue() : null;

    /// <summary>Waits for a value and takes it.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public T Take(CancellationToken cancellation)
    {
        filled.Wait(cancellation);
        return TakeValue();
    }

    /// <inheritdoc/>
    public void Dispose() => filled.Dispose();

    private T TakeValue()
    {
        lock (door)
        {
            var taken = value!;
            value = null;
            return taken;
        }
    }
}
