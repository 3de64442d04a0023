namespace BitVla.Transport.Wire;

/// <summary>Content types of MQTT payloads.</summary>
public static class WireContent
{
    /// <summary>JSON; also what a message without a content type is taken for.</summary>
    public const string Json = "application/json";

    /// <summary>CBOR.</summary>
    public const string Cbor = "application/cbor";

    /// <summary>A JPEG file.</summary>
    public const string Jpeg = "image/jpeg";

    /// <summary>A PNG file.</summary>
    public const string Png = "image/png";

    /// <summary>The content type of an encoding.</summary>
    public static string Of(WireEncoding encoding) => encoding == WireEncoding.Cbor ? Cbor : Json;

    /// <summary>The encoding that a content type names; nothing at all means JSON.</summary>
    /// <exception cref="WireException">Code <see cref="WireCodes.ContentType"/>: neither JSON nor CBOR.</exception>
    public static WireEncoding EncodingOf(string? contentType)
    {
        ReadOnlySpan<char> type = contentType;
        int parameters = type.IndexOf(';');
        type = (parameters < 0 ? type : type[..parameters]).Trim();
        return type.IsEmpty || type.Equals(Json, StringComparison.OrdinalIgnoreCase) ? WireEncoding.Json
            : type.Equals(Cbor, StringComparison.OrdinalIgnoreCase) ? WireEncoding.Cbor
            : throw new WireException(WireCodes.ContentType, "content type", $"{Json} or {Cbor}", WireException.Quote(type));
    }
}
