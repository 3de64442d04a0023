namespace BitVla.Contracts;

/// <summary>An observation cannot be used as it was sent. The sender is at fault and is told how; the engine stays ready.</summary>
public sealed class ObservationException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="field">The part of the observation.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="found">What was found.</param>
    public ObservationException(string field, string expected, string found)
        : base($"{field}: expected {expected}, found {found}")
    {
        Field = field;
        Expected = expected;
        Found = found;
    }

    /// <summary>The part of the observation.</summary>
    public string Field { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }
}
