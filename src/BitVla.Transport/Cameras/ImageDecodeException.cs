namespace BitVla.Transport.Cameras;

/// <summary>Bytes from a camera are not an image we take; the message says what was expected and what was found.</summary>
public sealed class ImageDecodeException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="expected">What a good image has in this place.</param>
    /// <param name="found">What this one has.</param>
    /// <param name="inner">The decoder's own complaint, when there is one.</param>
    public ImageDecodeException(string expected, string found, Exception? inner = null)
        : base($"Image refused: expected {expected}, found {found}.", inner)
    {
        Expected = expected;
        Found = found;
    }

    /// <summary>What a good image has in this place.</summary>
    public string Expected { get; }

    /// <summary>What this one has.</summary>
    public string Found { get; }
}
