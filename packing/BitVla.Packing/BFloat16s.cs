namespace BitVla.Packing;

/// <summary>bf16 to float and back.</summary>
internal static class BFloat16s
{
    /// <summary>Rounds half to even; the value must be finite.</summary>
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
