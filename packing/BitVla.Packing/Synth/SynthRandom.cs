using System.Text;

namespace BitVla.Packing.Synth;

/// <summary>Random words by position: word i of a tensor depends on seed, name and i only, so pieces can be made in any order.</summary>
/// <remarks>
/// SplitMix64 with the counter as its state (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
/// Integers and single roundings only: the same bytes on every machine.
/// </remarks>
internal readonly struct SynthRandom
{
    // 1 / sqrt(4 · (2^32 - 1) / 12): the sum of four 16-bit lanes then has deviation one.
    private const float PerDeviation = 2.6429050e-5f;
    private const int LaneSumMean = 2 * 65535;
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private readonly ulong key;

    /// <summary>The words of one tensor.</summary>
    public SynthRandom(ulong seed, string name)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211;
        }

        key = Mix(Mix(seed) ^ hash);
    }

    /// <summary>Word <paramref name="index"/>.</summary>
    public ulong this[long index] => Mix(key + (ulong)(index + 1) * Golden);

    /// <summary>Close to a standard normal deviate, bounded by ±3.47.</summary>
    public float Normal(long index)
    {
        ulong word = this[index];
        int sum = (ushort)word + (ushort)(word >> 16) + (ushort)(word >> 32) + (ushort)(word >> 48);
        return (sum - LaneSumMean) * PerDeviation;
    }

    /// <summary>Uniform in [0, 1), 24 bits.</summary>
    public float Uniform(long index) => (this[index] >> 40) * (1f / (1 << 24));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
