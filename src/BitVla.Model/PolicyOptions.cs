namespace BitVla.Model;

/// <summary>How to run a model.</summary>
public sealed record PolicyOptions
{
    /// <summary>Kernel to force; null lets the selector choose.</summary>
    public string? Kernel { get; init; }

    /// <summary>Threads, the calling one included; null takes all cores.</summary>
    public int? Threads { get; init; }

    /// <summary>Un-normalisation key; null takes the only one.</summary>
    public string? UnnormKey { get; init; }

    /// <summary>Cameras whose frames are turned by 180°, besides those the file turns.</summary>
    public IReadOnlyList<string> Rotate180 { get; init; } = [];

    /// <summary>Centre crop; null takes what the file says.</summary>
    public bool? CenterCrop { get; init; }

    /// <summary>Runs the last layer for all rows instead of the read-out rows, as traces and parity need it.</summary>
    public bool Unpruned { get; init; }
}
