using System.Text.Json;

namespace BitVla.Edge.Host;

/// <summary>JSON objects on standard output, written by hand: no reflection, nothing for the trimmer to guess.</summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    /// <summary>Prints one object.</summary>
    public static void Print(Action<Utf8JsonWriter> members)
    {
        using var stdout = Console.OpenStandardOutput();
        using (var writer = new Utf8JsonWriter(stdout, Indented))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        stdout.Write("\n"u8);
    }

    /// <summary>Writes a [rows, columns] array of arrays.</summary>
    public static void WriteMatrix<T>(this Utf8JsonWriter writer, string name, ReadOnlySpan<T> values, int columns)
        where T : struct
    {
        writer.WriteStartArray(name);
        for (int i = 0; i < values.Length; i += columns)
        {
            writer.WriteStartArray();
            foreach (var value in values.Slice(i, columns))
            {
                if (value is float single)
                {
                    writer.WriteNumberValue(single);
                }
                else if (value is double number)
                {
                    writer.WriteNumberValue(number);
                }
            }

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }
}
