namespace BitVla.Format.Gguf;

/// <summary>Where a metadata value lies in the file; nothing is copied.</summary>
/// <param name="Type">Type of the value.</param>
/// <param name="ElementType">Type of an array's elements; the value's own type otherwise.</param>
/// <param name="Count">Number of elements; 1 for a scalar.</param>
/// <param name="Offset">First byte of the scalar, of the string's bytes, or of the first array element.</param>
/// <param name="Bytes">Length of the value's bytes from <paramref name="Offset"/>.</param>
public readonly record struct GgufValue(GgufValueType Type, GgufValueType ElementType, long Count, long Offset, long Bytes)
{
    /// <summary>Bytes of one element of a fixed-width type; 0 for strings and arrays.</summary>
    public static int FixedWidth(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };
}
