using System.IO.Hashing;
using System.Runtime.InteropServices;
using BitVla.Format;
using BitVla.Model;

namespace BitVla.Edge.Host;

/// <summary>Keeps every doorway of a pass: for a safetensors file, or for a digest of each.</summary>
internal sealed class TraceFile : DoorwayTrace
{
    private readonly List<(SafetensorsEntry Entry, byte[] Bytes)> doorways = [];

    /// <summary>XXH3 of each doorway's bytes, in order.</summary>
    public IEnumerable<(string Doorway, ulong Xxh3)> Digests => doorways.Select(d => (d.Entry.Name, XxHash3.HashToUInt64(d.Bytes)));

    /// <summary>XXH3 over the doorways' digests: one number for the whole pass.</summary>
    public ulong Digest => XxHash3.HashToUInt64(MemoryMarshal.AsBytes<ulong>(Digests.Select(d => d.Xxh3).ToArray()));

    public override void Record(string doorway, ReadOnlySpan<float> values, int rows, int columns) =>
        doorways.Add((new(doorway, "F32", [rows, columns]), MemoryMarshal.AsBytes(values).ToArray()));

    public override void Record(string doorway, ReadOnlySpan<double> values, int rows, int columns) =>
        doorways.Add((new(doorway, "F64", [rows, columns]), MemoryMarshal.AsBytes(values).ToArray()));

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string path)
    {
        using var writer = new SafetensorsWriter(path, [.. doorways.Select(d => d.Entry)]);
        foreach (var (_, bytes) in doorways)
        {
            writer.Append(bytes);
        }

        writer.Commit();
    }
}
