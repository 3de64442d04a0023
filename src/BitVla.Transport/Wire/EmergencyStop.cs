namespace BitVla.Transport.Wire;

/// <summary>The emergency stop inside <c>state</c>.</summary>
/// <param name="Latched">It was pressed and not reset.</param>
/// <param name="By">Who pressed it.</param>
/// <param name="TimeUs">When, Unix time, microseconds.</param>
public sealed record EmergencyStop(bool Latched, string? By = null, long? TimeUs = null);
