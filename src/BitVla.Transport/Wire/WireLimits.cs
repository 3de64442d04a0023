namespace BitVla.Transport.Wire;

/// <summary>Bounds of what arrives, checked before anything is parsed.</summary>
public static class WireLimits
{
    /// <summary>Bytes of <c>obs/proprio</c>: 256 numbers with names and units need some 9 KiB.</summary>
    public const int ProprioBytes = 16 * 1024;

    /// <summary>Bytes of <c>cmd/&lt;verb&gt;</c>.</summary>
    public const int CommandBytes = 16 * 1024;

    /// <summary>Bytes of <c>obs/image/&lt;camera&gt;</c>: a 1080p JPEG of the best quality needs some 2 MiB.</summary>
    public const int ImageBytes = 4 * 1024 * 1024;

    /// <summary>Bytes of what this side writes, and of what a client of ours reads back.</summary>
    public const int OutboundBytes = 256 * 1024;

    /// <summary>Objects and arrays within each other.</summary>
    public const int Depth = 8;

    /// <summary>Keys of one object; so looking for a key twice stays cheap.</summary>
    public const int Keys = 64;

    /// <summary>Numbers of a robot state.</summary>
    public const int ProprioValues = 256;

    /// <summary>Characters of an instruction; the model's own bound in tokens is tighter and comes later.</summary>
    public const int InstructionChars = 1024;

    /// <summary>Characters of any other text.</summary>
    public const int TextChars = 1024;

    /// <summary>Characters of a camera's or a verb's name.</summary>
    public const int NameChars = 32;
}
