namespace BitVla.Model;

/// <summary>bf16 as bit patterns: the format of the weights and of two casts the authors make.</summary>
internal static class BFloat16
{
    /// <summary>The nearest bf16 value, ties to even; finite input.</summary>
    public static float Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        bits += 0x7FFF + ((bits >> 16) & 1);
        return BitConverter.UInt32BitsToSingle(bits & 0xFFFF0000);
    }

    /// <summary>Widens exactly.</summary>
    public static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
