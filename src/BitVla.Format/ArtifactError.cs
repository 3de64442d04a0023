namespace BitVla.Format;

/// <summary>What is wrong with a file, as a stable name that scripts may match.</summary>
public enum ArtifactError
{
    /// <summary>The file or folder does not exist.</summary>
    NotFound,

    /// <summary>The file system refused to read or write it.</summary>
    Unreadable,

    /// <summary>The file ends before what it announces.</summary>
    Truncated,

    /// <summary>It is a file of another kind.</summary>
    BadMagic,

    /// <summary>A version or a layout this build does not know.</summary>
    UnsupportedVersion,

    /// <summary>The structure cannot be parsed.</summary>
    Malformed,

    /// <summary>A count or a size passes its named limit.</summary>
    LimitExceeded,

    /// <summary>A key or a tensor stands twice.</summary>
    Duplicate,

    /// <summary>A key, a tensor or a file is missing.</summary>
    Missing,

    /// <summary>A tensor that the geometry does not foresee.</summary>
    Unexpected,

    /// <summary>A value has another type than foreseen.</summary>
    WrongType,

    /// <summary>A tensor has another shape than foreseen.</summary>
    WrongShape,

    /// <summary>A value outside its range.</summary>
    InvalidValue,

    /// <summary>Two statements that cannot both be true.</summary>
    Contradiction,

    /// <summary>A tensor's place is not the one the layout gives it (overlap, gap, misalignment).</summary>
    BadOffset,

    /// <summary>Bytes between tensors, or padding weights, are not zero.</summary>
    DirtyPadding,

    /// <summary>A checksum does not match.</summary>
    ChecksumMismatch,

    /// <summary>A ternary code above 80.</summary>
    IllegalCode,

    /// <summary>NaN or infinity.</summary>
    NonFinite,

    /// <summary>A pickle that asks for more than tensors.</summary>
    UnsafePickle,

    /// <summary>A well-formed file that asks for something this build does not do.</summary>
    Unsupported,
}
