namespace BitVla.Kernels.Ternary;

/// <summary>The base-3 codes of the packed layout: one byte holds four weights as digits 0, 1, 2.</summary>
internal static unsafe class TernaryCodes
{
    /// <summary>Weights in one code byte.</summary>
    public const int Digits = 4;

    /// <summary>Digit i of a code: the weight of channel i of its four, plus one.</summary>
    /// <remarks>The outer remainder gives bytes above 80, which no packer writes, a meaning: every byte decodes to digits 0..2.</remarks>
    public static int Digit(byte code, int i)
    {
        int rest = code;
        for (int skipped = 0; skipped < i; skipped++)
        {
            rest /= 3;
        }

        return rest % 3;
    }

    /// <summary>A table from code to its four digits as bytes, each plus <paramref name="offset"/>, lowest channel first.</summary>
    /// <remarks>256 entries and not 81, so that no byte of a damaged file can index past its end.</remarks>
    public static uint[] DecodeTable(int offset)
    {
        uint[] table = new uint[256];
        for (int code = 0; code < table.Length; code++)
        {
            for (int i = 0; i < Digits; i++)
            {
                table[code] |= (uint)(byte)(Digit((byte)code, i) + offset) << (8 * i);
            }
        }

        return table;
    }

    /// <summary>Unpacks a strip of rows into [channel / 4][stripRows][4] bytes; rows past <paramref name="rows"/> become zero.</summary>
    /// <param name="w">The weights.</param>
    /// <param name="row0">First row of the strip.</param>
    /// <param name="rows">Rows that exist.</param>
    /// <param name="stripRows">Rows of the panel.</param>
    /// <param name="block0">First 32-channel block.</param>
    /// <param name="block1">The block after the last.</param>
    /// <param name="table">A <see cref="DecodeTable"/>.</param>
    /// <param name="panel">The result.</param>
    public static void UnpackStrip(
        in TernaryMatrix w, int row0, int rows, nint stripRows, int block0, int block1, uint[] table, byte* panel)
    {
        if (rows < stripRows)
        {
            new Span<byte>(panel, (int)((block1 - block0) * TernaryMatrix.BlockChannels * stripRows)).Clear();
        }

        fixed (uint* digits = table)
        {
            uint* block = (uint*)panel;
            for (int b = block0; b < block1; b++, block += TernaryMatrix.BlockRowBytes * stripRows)
            {
                byte* codes = w.Codes + (((nint)b * w.N) + row0) * TernaryMatrix.BlockRowBytes;
                uint* target = block;
                for (int row = 0; row < rows; row++, codes += TernaryMatrix.BlockRowBytes, target++)
                {
                    // One 64-bit load brings the eight codes of a row.
                    ulong eight = *(ulong*)codes;
                    target[0] = digits[(byte)eight];
                    target[stripRows] = digits[(byte)(eight >> 8)];
                    target[2 * stripRows] = digits[(byte)(eight >> 16)];
                    target[3 * stripRows] = digits[(byte)(eight >> 24)];
                    target[4 * stripRows] = digits[(byte)(eight >> 32)];
                    target[5 * stripRows] = digits[(byte)(eight >> 40)];
                    target[6 * stripRows] = digits[(byte)(eight >> 48)];
                    target[7 * stripRows] = digits[eight >> 56];
                }
            }
        }
    }
}
