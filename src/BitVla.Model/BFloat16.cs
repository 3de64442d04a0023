namespace BitVla.Model;

/// <summary>bf16 as bit patterns: the format of the weights.</summary>
internal static class BFloat16
{
    /// <summary>Widens exactly.</summary>
    public static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
