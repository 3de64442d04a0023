namespace BitVla.Format.Gguf;

/// <summary>Element types of a tensor that this format uses, numbered as GGUF does.</summary>
public enum GgufTensorType
{
    /// <summary>float32: scales, norms, biases.</summary>
    F32 = 0,

    /// <summary>Bytes: ternary codes.</summary>
    I8 = 24,

    /// <summary>64-bit words: embedding row checksums.</summary>
    I64 = 27,

    /// <summary>bfloat16: connector, heads, embeddings.</summary>
    BF16 = 30,
}

/// <summary>Sizes of tensor element types.</summary>
public static class GgufTensorTypes
{
    /// <summary>Bytes of one element; 0 for a type this format does not use.</summary>
    public static int ElementBytes(GgufTensorType type) => type switch
    {
        GgufTensorType.F32 => 4,
        GgufTensorType.I8 => 1,
        GgufTensorType.I64 => 8,
        GgufTensorType.BF16 => 2,
        _ => 0,
    };
}
