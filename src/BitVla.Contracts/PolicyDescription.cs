namespace BitVla.Contracts;

/// <summary>What a policy takes and gives, for those who feed it.</summary>
/// <param name="ModelId">Identity of the model.</param>
/// <param name="Cameras">Camera names in the order frames must come.</param>
/// <param name="ProprioDim">Length of the robot state; 0 when it takes none.</param>
/// <param name="ChunkLength">Steps K of a chunk.</param>
/// <param name="ActionDim">Numbers A of a step.</param>
/// <param name="UnnormKey">The statistics in use.</param>
/// <param name="GripperConvention">Name of the gripper's convention.</param>
/// <param name="Kernel">The arithmetic in use.</param>
/// <param name="Threads">Threads in use.</param>
public sealed record PolicyDescription(
    string ModelId, IReadOnlyList<string> Cameras, int ProprioDim, int ChunkLength, int ActionDim, string UnnormKey, string GripperConvention, string Kernel, int Threads);
