namespace BitVla.Transport.Wire;

/// <summary>Bounds of each number of an action, in the units of the chunk.</summary>
/// <param name="Low">Lowest, one an action dimension.</param>
/// <param name="High">Highest.</param>
public sealed record ActionLimits(ReadOnlyMemory<double> Low, ReadOnlyMemory<double> High);
