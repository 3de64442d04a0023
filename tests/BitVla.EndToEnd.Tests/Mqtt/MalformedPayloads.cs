using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace BitVla.EndToEnd.Tests.Mqtt;

/// <summary>Payloads that no topic takes, each of another kind, from a seed.</summary>
internal static class MalformedPayloads
{
    private static readonly string[] Bodies =
    [
        "{", "}", "[", "nul", "\"", "{\"a\":}", "{\"a\":1,}", "{\"a\":1}x", "{'a':1}", "[1,2", "{\"seq\":1,\"seq\":2}", "\u0000", "{\"a\":\"\\ud800\"}", "\"\\x\"",
        "[]", "1", "null", "true", "\"text\"", "{\"instruction\":5,\"seq\":\"x\"}", "{\"instruction\":{},\"values\":{}}", "{\"token\":1,\"seq\":-1,\"values\":[]}",
        "{\"t_us\":1.5,\"seq\":4294967296,\"values\":[0]}", "{\"ttl_ms\":-1,\"seq\":1.5,\"values\":[0]}", "{\"reason\":[],\"seq\":1}", "<xml/>", "NaN", "{\"seq\":1e400}",
    ];

    /// <summary>A body and its content type.</summary>
    public static (byte[] Body, string Type) Body(Random random, int index)
    {
        switch (index % 5)
        {
            case 0:
                return (Encoding.UTF8.GetBytes(Bodies[random.Next(Bodies.Length)]), "application/json");
            case 1:
                byte[] noise = new byte[1 + random.Next(2000)];
                random.NextBytes(noise);
                noise[0] = 0xFF;
                return (noise, index % 2 == 0 ? "application/json" : "application/cbor");
            case 2:
                int depth = 9 + random.Next(2000);
                return (Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", depth))), "application/json");
            case 3:
                // CBOR: an indefinite array that never ends, nested; a map that promises more than there is.
                return (index % 2 == 0 ? [.. Enumerable.Repeat((byte)0x9F, 1 + random.Next(500))] : [0xBA, 0xFF, (byte)random.Next(256), 0xFF, 0xFF, 0x61, 0x61], "application/cbor");
            default:
                return (Encoding.ASCII.GetBytes("{}"), $"text/{random.Next()}");
        }
    }

    /// <summary>A picture that is none: noise, cut off, a bit turned, or of a size beyond reason.</summary>
    public static byte[] Picture(Random random, int index)
    {
        byte[] whole = DaemonModels.FrontPicture;
        switch (index % 4)
        {
            case 0:
                byte[] noise = new byte[random.Next(4000)];
                random.NextBytes(noise);
                return noise;
            case 1:
                return whole[..random.Next(whole.Length - 13)];
            case 2:
                // Within the compressed pixels, of which the file has one run: behind its name, before its checksum and the end of the file.
                int pixels = whole.AsSpan().IndexOf("IDAT"u8) + 4;
                return OneBit(whole, pixels + random.Next(whole.Length - 16 - pixels));
            default:
                return Claims(whole, 8193 + random.Next(int.MaxValue - 8193), 1 + random.Next(int.MaxValue - 1));
        }
    }

    /// <summary>A copy with one bit turned.</summary>
    public static byte[] OneBit(byte[] picture, int place)
    {
        byte[] copy = [.. picture];
        copy[place] ^= 1;
        return copy;
    }

    /// <summary>A PNG that says it has another size, with the right checksum.</summary>
    public static byte[] Claims(byte[] png, int width, int height)
    {
        byte[] copy = [.. png];
        BinaryPrimitives.WriteInt32BigEndian(copy.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(copy.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(29), Crc32.HashToUInt32(copy.AsSpan(12, 17)));
        return copy;
    }
}
