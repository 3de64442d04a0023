namespace BitVla.Transport.Wire;

/// <summary>A payload is not what its topic takes, or may not leave; nothing of it was used.</summary>
public sealed class WireException : Exception
{
    private const int MaxQuoted = 64;

    /// <summary>Creates the exception.</summary>
    /// <param name="code">One of <see cref="WireCodes"/>.</param>
    /// <param name="field">The field, or what stands for one.</param>
    /// <param name="expected">What a good payload has there.</param>
    /// <param name="found">What this one has.</param>
    /// <param name="inner">The parser's own complaint, when there is one.</param>
    public WireException(string code, string field, string expected, string found, Exception? inner = null)
        : base($"{code}: {field}: expected {expected}, found {found}", inner)
    {
        Code = code;
        Field = field;
        Expected = expected;
        Found = found;
    }

    /// <summary>Stable code, for events and replies.</summary>
    public string Code { get; }

    /// <summary>Which field.</summary>
    public string Field { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>Text from outside, short and printable, for a message.</summary>
    internal static string Quote(ReadOnlySpan<char> text)
    {
        bool cut = text.Length > MaxQuoted;
        Span<char> safe = stackalloc char[Math.Min(text.Length, MaxQuoted)];
        for (int i = 0; i < safe.Length; i++)
        {
            safe[i] = text[i] is >= ' ' and <= '~' ? text[i] : '?';
        }

        return $"\"{safe}\"{(cut ? "..." : "")}";
    }
}
