namespace BitVla.Contracts;

/// <summary>An observation is not what the model takes: wrong camera, wrong length, not finite, too long.</summary>
public sealed class ObservationException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ObservationException(string field, string expected, string found)
        : base($"{field}: expected {expected}, found {found}")
    {
        Field = field;
        Expected = expected;
        Found = found;
    }

    /// <summary>Which part of the observation.</summary>
    public string Field { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }
}
