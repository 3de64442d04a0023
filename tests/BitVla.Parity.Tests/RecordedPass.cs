using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using BitVla.Contracts;
using BitVla.Model;

namespace BitVla.Parity.Tests;

/// <summary>Keeps a copy of everything that crosses a doorway in one pass.</summary>
internal sealed class RecordedPass : DoorwayTrace
{
    private readonly Dictionary<string, byte[]> bytes = [];

    /// <summary>Doorways in the order they were reached.</summary>
    public List<string> Doorways { get; } = [];

    public static RecordedPass Of(BitVlaPolicy policy, Observation observation)
    {
        var pass = new RecordedPass();
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        policy.Predict(observation, chunk, pass, TestContext.Current.CancellationToken);
        return pass;
    }

    public float[] Floats(string doorway) => MemoryMarshal.Cast<byte, float>(bytes[doorway]).ToArray();

    public double[] Doubles(string doorway) => MemoryMarshal.Cast<byte, double>(bytes[doorway]).ToArray();

    /// <summary>SHA-256 of a doorway's bytes, its first 8 in hex.</summary>
    public string Hash(string doorway) => Convert.ToHexStringLower(SHA256.HashData(bytes[doorway]).AsSpan(0, 8));

    /// <summary>One hash over the names and hashes of all doorways.</summary>
    public string Digest() => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(Doorways.Select(doorway => $"{doorway} {Hash(doorway)}\n")))));

    /// <summary>Demands the bits of another pass at every doorway.</summary>
    public void AssertSameBits(RecordedPass other, string what)
    {
        Assert.Equal(Doorways, other.Doorways);
        foreach (string doorway in Doorways)
        {
            bool same = bytes[doorway].AsSpan().SequenceEqual(other.bytes[doorway]);
            Assert.True(same, $"{what}: {doorway} is the first doorway with other bits.");
        }
    }

    public override void Record(string doorway, ReadOnlySpan<float> values, int rows, int columns) => Keep(doorway, values);

    public override void Record(string doorway, ReadOnlySpan<double> values, int rows, int columns) => Keep(doorway, values);

    private void Keep<T>(string doorway, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Doorways.Add(doorway);
        bytes.Add(doorway, MemoryMarshal.AsBytes(values).ToArray());
    }
}
