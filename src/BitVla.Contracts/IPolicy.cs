namespace BitVla.Contracts;

/// <summary>Observation in, action chunk out. One pass at a time.</summary>
public interface IPolicy : IDisposable
{
    /// <summary>What it takes and gives.</summary>
    PolicyDescription Description { get; }

    /// <summary>Runs one pass and fills the chunk; allocates nothing after the first.</summary>
    /// <exception cref="ObservationException">The observation is not what the model takes.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the chunk's content is undefined.</exception>
    void Predict(Observation observation, ActionChunk chunk, CancellationToken cancellation);
}
