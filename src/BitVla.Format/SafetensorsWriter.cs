using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace BitVla.Format;

/// <summary>One tensor to write to a safetensors file.</summary>
/// <param name="Name">Name.</param>
/// <param name="Type">F32, F64, BF16, I8 or another type word of safetensors.</param>
/// <param name="Shape">Sizes, slowest first.</param>
/// <param name="Bytes">Little-endian values, row-major.</param>
public sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Bytes);

/// <summary>Writes a safetensors file through a temporary file, fsync and rename.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes all tensors in the order given.</summary>
    /// <exception cref="ArtifactException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<SafetensorsEntry> tensors)
    {
        byte[] header = Header(tensors);
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
                stream.Write(length);
                stream.Write(header);
                foreach (var tensor in tensors)
                {
                    stream.Write(tensor.Bytes.Span);
                }

                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
            DurableFolder.Sync(Path.GetDirectoryName(full)!);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw new ArtifactException(ArtifactError.Unreadable, path, "output", "a folder that can be written", cause.Message, null, cause);
        }
    }

    private static byte[] Header(IReadOnlyList<SafetensorsEntry> tensors)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            long at = 0;
            json.WriteStartObject();
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type);
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += tensor.Bytes.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Padded with spaces so that data starts on a multiple of eight, as the format asks.
        string text = Encoding.UTF8.GetString(buffer.ToArray());
        return Encoding.UTF8.GetBytes(text.PadRight(text.Length + (8 - (int)buffer.Length % 8) % 8));
    }
}
