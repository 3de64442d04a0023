namespace BitVla.Format.Layout;

/// <summary>bf16 as bit patterns: the format of the weights, and of two casts the authors make.</summary>
public static class BFloat16
{
    /// <summary>The nearest bf16 value, ties to even; the value must be finite.</summary>
    public static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Widens exactly.</summary>
    public static float Widen(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>Whether it is neither NaN nor infinite.</summary>
    public static bool IsFinite(ushort value) => (value & 0x7F80) != 0x7F80;
}
