using System.Text;
using BitVla.Format;

namespace BitVla.Model.Tests.Text;

/// <summary>Ids back to UTF-8, through an alphabet of its own: the inverse that the engine does not need.</summary>
internal static class Decoder
{
    private static readonly Dictionary<char, byte> Bytes = BuildBytes();

    /// <summary>The bytes that the ids stand for.</summary>
    public static byte[] Decode(PackedTokenizer tables, ReadOnlySpan<int> ids)
    {
        var bytes = new List<byte>();
        foreach (int id in ids)
        {
            var token = tables.Token(id);
            if (tables.TokenType(id) == TokenizerContent.AddedType)
            {
                bytes.AddRange(token);
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetString(token).Select(c => Bytes[c]));
            }
        }

        return [.. bytes];
    }

    private static Dictionary<char, byte> BuildBytes()
    {
        var printable = Enumerable.Range('!', '~' - '!' + 1)
            .Concat(Enumerable.Range('¡', '¬' - '¡' + 1))
            .Concat(Enumerable.Range('®', 'ÿ' - '®' + 1)).ToHashSet();
        var bytes = printable.ToDictionary(b => (char)b, b => (byte)b);
        int next = 256;
        foreach (int b in Enumerable.Range(0, 256).Where(b => !printable.Contains(b)))
        {
            bytes.Add((char)next++, (byte)b);
        }

        return bytes;
    }
}
