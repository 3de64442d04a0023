using BitVla.Format;

namespace BitVla.Packing;

/// <summary>What does not stand in a checkpoint and is stored in the packed file.</summary>
public sealed record PackOptions
{
    /// <summary>Chunk length of LIBERO.</summary>
    public const int DefaultChunkLength = 8;

    /// <summary>Steps of a chunk.</summary>
    public int ChunkLength { get; init; } = DefaultChunkLength;

    /// <summary>Cameras in model order; null for full and wrist, or full alone in a text-only file.</summary>
    public IReadOnlyList<CameraSpec>? Cameras { get; init; }

    /// <summary>Whether frames are centre-cropped.</summary>
    public bool CenterCrop { get; init; } = true;

    /// <summary>Whether an untied lm_head is kept, and a checkpoint without an action head is wanted for its text.</summary>
    public bool WithLmHead { get; init; }

    /// <summary>Gripper convention; null for libero when there are 7 actions, raw otherwise.</summary>
    public string? Gripper { get; init; }

    /// <summary>Name for people; null for the folder's.</summary>
    public string? Name { get; init; }

    /// <summary>Whether a file that is there is replaced.</summary>
    public bool Overwrite { get; init; }
}
