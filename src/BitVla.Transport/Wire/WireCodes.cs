namespace BitVla.Transport.Wire;

/// <summary>Stable codes of <see cref="WireException"/>.</summary>
public static class WireCodes
{
    /// <summary>Not JSON or CBOR, a key twice, too deep, bytes after the end.</summary>
    public const string Malformed = "WIRE.MALFORMED";

    /// <summary>More bytes, keys or numbers than the topic takes.</summary>
    public const string TooLarge = "WIRE.TOO_LARGE";

    /// <summary>NaN or infinity.</summary>
    public const string NonFinite = "WIRE.NON_FINITE";

    /// <summary>A required field is missing.</summary>
    public const string Missing = "WIRE.MISSING";

    /// <summary>A field of another type.</summary>
    public const string Type = "WIRE.TYPE";

    /// <summary>A field of the right type with a value outside its range.</summary>
    public const string Range = "WIRE.RANGE";

    /// <summary>A content type that the topic does not take.</summary>
    public const string ContentType = "WIRE.CONTENT_TYPE";
}
