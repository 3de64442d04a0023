namespace BitVla.Model.Text;

/// <summary>The byte-level alphabet: each of the 256 bytes as one printable character, as the vocabulary spells it.</summary>
/// <remarks>
/// The bytes 33-126, 161-172 and 174-255 stand for the code points of the same number, the other 68 for 256, 257, … in order.
/// Source: bytes_to_unicode of GPT-2; the ByteLevel pre-tokenizer of tokenizer.json.
/// </remarks>
internal static class ByteAlphabet
{
    /// <summary>Most UTF-8 bytes of one character: all code points are below 0x800.</summary>
    public const int MaxBytes = 2;

    private static readonly ushort[] CodePoints = Build();

    /// <summary>Writes the character of a byte as UTF-8; returns how many bytes it took.</summary>
    public static int Write(byte value, Span<byte> utf8)
    {
        int code = CodePoints[value];
        if (code < 0x80)
        {
            utf8[0] = (byte)code;
            return 1;
        }

        utf8[1] = (byte)(0x80 | (code & 0x3F));
        utf8[0] = (byte)(0xC0 | (code >> 6));
        return 2;
    }

    private static ushort[] Build()
    {
        var codes = new ushort[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            codes[b] = b is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255) ? (ushort)b : (ushort)next++;
        }

        return codes;
    }
}
