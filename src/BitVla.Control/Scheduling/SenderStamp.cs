namespace BitVla.Control.Scheduling;

/// <summary>What a sender said about a picture or a state.</summary>
/// <param name="Age">Time from capture to sending by the sender's monotonic clock; null when it did not say.</param>
/// <param name="Sequence">The sender's number; null when it did not say.</param>
public readonly record struct SenderStamp(TimeSpan? Age, uint? Sequence);
