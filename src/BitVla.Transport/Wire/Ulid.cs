using System.Buffers.Binary;
using System.Security.Cryptography;

namespace BitVla.Transport.Wire;

/// <summary>Makes ULIDs: 26 letters that sort by time of making, even within a millisecond or when the clock steps back.</summary>
/// <remarks>Source: github.com/ulid/spec: 48 bits of Unix milliseconds, 80 random bits, Crockford's base 32; monotonic as described there. One thread at a time.</remarks>
/// <param name="clock">Wall clock.</param>
public sealed class Ulid(TimeProvider clock)
{
    /// <summary>Letters of one.</summary>
    public const int Length = 26;

    private const string Letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    private UInt128 last;

    /// <summary>The next one, greater than all before it.</summary>
    public string Next()
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        var milliseconds = (UInt128)(ulong)clock.GetUtcNow().ToUnixTimeMilliseconds();
        UInt128 fresh = (milliseconds << 80) | (BinaryPrimitives.ReadUInt128LittleEndian(random) >> 48);
        last = fresh >> 80 > last >> 80 ? fresh : last + 1;
        return string.Create(Length, last, static (text, value) =>
        {
            for (int i = Length - 1; i >= 0; i--, value >>= 5)
            {
                text[i] = Letters[(int)(value & 31)];
            }
        });
    }
}
