namespace BitVla.Transport.Cameras;

/// <summary>What an encoded image may cost at most.</summary>
/// <param name="MaximumSide">Longest side, in pixels.</param>
/// <param name="MaximumEncodedBytes">Longest file, in bytes.</param>
public sealed record ImageLimits(int MaximumSide = ImageLimits.DefaultMaximumSide, int MaximumEncodedBytes = ImageLimits.DefaultMaximumEncodedBytes)
{
    /// <summary>The default longest side; also the largest frame the image preparation takes.</summary>
    /// <remarks>Units: pixels.</remarks>
    public const int DefaultMaximumSide = 4096;

    /// <summary>The default longest file.</summary>
    /// <remarks>Units: bytes (32 MiB), above any JPEG and most PNGs of the longest side.</remarks>
    public const int DefaultMaximumEncodedBytes = 32 << 20;

    /// <summary>The scans a JPEG may have.</summary>
    /// <remarks>A progressive file of a few bytes a scan would otherwise buy a pass over all pixels with each; encoders write about 10.</remarks>
    public const int MaximumJpegScans = 64;

    /// <summary>The limits used when nothing else is configured.</summary>
    public static ImageLimits Default { get; } = new();
}
