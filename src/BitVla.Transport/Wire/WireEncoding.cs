namespace BitVla.Transport.Wire;

/// <summary>The two spellings of a payload; the keys are the same in both.</summary>
public enum WireEncoding
{
    /// <summary>UTF-8 JSON, content type <c>application/json</c>.</summary>
    Json,

    /// <summary>CBOR (RFC 8949), content type <c>application/cbor</c>.</summary>
    Cbor,
}
