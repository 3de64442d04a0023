using System.Runtime.InteropServices;
using BitVla.Format.Layout;

namespace BitVla.Format;

/// <summary>Looks for values that must not be in a tensor, eight bytes at a time.</summary>
/// <remarks>Each search returns the byte index of the first bad value, or -1.</remarks>
public static class TensorValues
{
    /// <summary>NaN or infinity among float32 values.</summary>
    public static int IndexOfNonFiniteFloat32(ReadOnlySpan<byte> bytes)
    {
        // All exponent bits set, plus one in the lowest, carries into the sign's place and no further.
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i++)
        {
            if ((((words[i] & 0x7F8000007F800000) + 0x0080000000800000) & 0x8000000080000000) != 0)
            {
                return First(bytes, 8 * i, 4, b => !float.IsFinite(MemoryMarshal.Read<float>(b)));
            }
        }

        return First(bytes, 8 * words.Length, 4, b => !float.IsFinite(MemoryMarshal.Read<float>(b)));
    }

    /// <summary>NaN or infinity among bf16 values.</summary>
    public static int IndexOfNonFiniteBFloat16(ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i++)
        {
            if ((((words[i] & 0x7F807F807F807F80) + 0x0080008000800080) & 0x8000800080008000) != 0)
            {
                return First(bytes, 8 * i, 2, b => (b[1] & 0x7F) == 0x7F && (b[0] & 0x80) != 0);
            }
        }

        return First(bytes, 8 * words.Length, 2, b => (b[1] & 0x7F) == 0x7F && (b[0] & 0x80) != 0);
    }

    /// <summary>A ternary code above 80: four base-3 digits end there, and kernels use the code as a table index.</summary>
    public static int IndexOfIllegalCode(ReadOnlySpan<byte> bytes)
    {
        const ulong High = 0x8080808080808080;
        const ulong ToHigh = (ulong)(127 - TernaryLayout.MaxCode) * 0x0101010101010101;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i++)
        {
            if (((words[i] | ((words[i] & ~High) + ToHigh)) & High) != 0)
            {
                return First(bytes, 8 * i, 1, b => b[0] > TernaryLayout.MaxCode);
            }
        }

        return First(bytes, 8 * words.Length, 1, b => b[0] > TernaryLayout.MaxCode);
    }

    private static int First(ReadOnlySpan<byte> bytes, int from, int width, Func<ReadOnlySpan<byte>, bool> bad)
    {
        for (int i = from; i + width <= bytes.Length; i += width)
        {
            if (bad(bytes.Slice(i, width)))
            {
                return i;
            }
        }

        return -1;
    }
}
