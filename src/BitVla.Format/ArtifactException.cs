using System.Globalization;

namespace BitVla.Format;

/// <summary>A model file or a checkpoint is not what it must be. Raised before anything large is allocated on its word.</summary>
public sealed class ArtifactException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="error">Stable code.</param>
    /// <param name="file">The file.</param>
    /// <param name="field">Tensor, key or structure.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="found">What was found.</param>
    /// <param name="offset">Byte offset in the file, where one is known.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public ArtifactException(ArtifactError error, string file, string field, string expected, string found, long? offset = null, Exception? inner = null)
        : base(Describe(error, file, field, expected, found, offset), inner)
    {
        Error = error;
        File = file;
        Field = field;
        Expected = expected;
        Found = found;
        Offset = offset;
    }

    /// <summary>Stable code.</summary>
    public ArtifactError Error { get; }

    /// <summary>The file.</summary>
    public string File { get; }

    /// <summary>Tensor, key or structure.</summary>
    public string Field { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>Byte offset in the file, where one is known.</summary>
    public long? Offset { get; }

    private static string Shown(string part)
    {
        const int MaxShown = 1024;
        return TerminalText.Clean(part.Length <= MaxShown ? part : part[..MaxShown] + "…");
    }

    private static string Describe(ArtifactError error, string file, string field, string expected, string found, long? offset)
    {
        // Names and values come from files that may be hostile; the properties keep them as they are.
        (file, field, expected, found) = (Shown(file), Shown(field), Shown(expected), Shown(found));
        string place = offset is { } o ? string.Create(CultureInfo.InvariantCulture, $" at byte {o}") : "";
        return $"{file}: {field}{place}: expected {expected}, found {found} [{error}]";
    }
}
