using System.Buffers.Binary;
using System.Text.Json;

namespace BitVla.Format;

/// <summary>A tensor of a safetensors file.</summary>
/// <param name="Name">Name.</param>
/// <param name="Type">BF16, F32, F64 or I64.</param>
/// <param name="Shape">Sizes, slowest first.</param>
public sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape)
{
    /// <summary>Length in bytes.</summary>
    public long Bytes => Shape.Aggregate(Type switch { "BF16" => 2L, "F32" => 4L, _ => 8L }, (bytes, size) => checked(bytes * size));
}

/// <summary>Writes a safetensors file, tensor bytes in the order of the entries.</summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly long length;

    /// <summary>Opens the file and writes the header.</summary>
    /// <exception cref="ArtifactException">The output cannot be written; so for all that writes.</exception>
    public SafetensorsWriter(string path, IReadOnlyList<SafetensorsEntry> entries)
    {
        byte[] header = Header(entries);
        length = 8 + header.Length + entries.Sum(entry => entry.Bytes);
        file = new AtomicFile(path);
        Span<byte> size = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(size, (ulong)header.Length);
        try
        {
            file.Stream.Write(size);
            file.Stream.Write(header);
        }
        catch
        {
            // Nobody can dispose of what a constructor did not finish.
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends tensor bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => file.Stream.Write(bytes);

    /// <summary>Gives the file its name.</summary>
    public void Commit()
    {
        if (file.Stream.Position != length)
        {
            throw new InvalidOperationException($"A safetensors file of {length} bytes was given {file.Stream.Position}.");
        }

        file.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static byte[] Header(IReadOnlyList<SafetensorsEntry> entries)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long at = 0;
            foreach (var entry in entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type);
                json.WriteStartArray("shape");
                foreach (long size in entry.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += entry.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // The format pads with spaces so that tensor data is aligned.
        while (stream.Length % 8 != 0)
        {
            stream.WriteByte((byte)' ');
        }

        return stream.ToArray();
    }
}
