namespace BitVla.Transport.Wire;

/// <summary><c>claim</c>: between daemons that want one robot's name.</summary>
/// <param name="Kind">One of <see cref="Kinds"/>.</param>
/// <param name="Instance">Who says it; a ULID, so the lower one started earlier.</param>
/// <param name="Number">Number of a barrier; 0 for others.</param>
public sealed record ClaimMessage(string Kind, string Instance, long Number = 0)
{
    /// <summary>Is the name free?</summary>
    public const string Ask = "ask";

    /// <summary>It is mine.</summary>
    public const string Held = "held";

    /// <summary>A message to oneself: what comes behind it was sent after it.</summary>
    public const string Barrier = "barrier";

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [Ask, Held, Barrier];
}
