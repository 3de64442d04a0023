using System.Buffers;
using System.Text;
using System.Text.Json;

namespace BitVla.Transport.Wire;

/// <summary>Prints a table as JSON Schema, draft 2020-12.</summary>
internal static class WireSchema
{
    public static string Print(WireTable table)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("title", table.Name);
            writer.WriteString("description", $"{table.Topic}: {table.Meaning}");
            Fields(writer, table.Fields);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Fields(Utf8JsonWriter writer, IReadOnlyList<WireField> fields)
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        foreach (WireField field in fields)
        {
            writer.WriteStartObject(field.Name);
            writer.WriteString("description", field.Unit.Length == 0 ? field.Meaning : $"{field.Meaning} Unit: {field.Unit}.");
            Type(writer, field);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteStartArray("required");
        foreach (WireField field in fields.Where(field => field.Required))
        {
            writer.WriteStringValue(field.Name);
        }

        writer.WriteEndArray();
    }

    private static void Type(Utf8JsonWriter writer, WireField field)
    {
        switch (field.Type)
        {
            case WireType.Whole:
                writer.WriteString("type", "integer");
                writer.WriteNumber("minimum", field.Min);
                writer.WriteNumber("maximum", field.Max);
                break;
            case WireType.Number:
                writer.WriteString("type", "number");
                break;
            case WireType.Flag:
                writer.WriteString("type", "boolean");
                break;
            case WireType.Text:
                Text(writer, field);
                break;
            case WireType.Word:
                Words(writer, field);
                break;
            case WireType.TextList:
                List(writer, field, () => Text(writer, field));
                break;
            case WireType.WordList:
                List(writer, field, () => Words(writer, field));
                break;
            case WireType.UnitList:
                writer.WriteStartArray("oneOf");
                writer.WriteStartObject();
                List(writer, field, () => Text(writer, field));
                writer.WriteEndObject();
                writer.WriteStartObject();
                Words(writer, field);
                writer.WriteEndObject();
                writer.WriteEndArray();
                break;
            case WireType.NumberList:
                List(writer, field, () => writer.WriteString("type", "number"));
                break;
            case WireType.NumberRows:
                List(writer, field, () => List(writer, field, () => writer.WriteString("type", "number")));
                break;
            case WireType.Group:
                Fields(writer, field.Fields);
                break;
            default:
                writer.WriteString("type", "object");
                writer.WriteStartObject("additionalProperties");
                Text(writer, field);
                writer.WriteEndObject();
                break;
        }
    }

    private static void List(Utf8JsonWriter writer, WireField field, Action items)
    {
        writer.WriteString("type", "array");
        writer.WriteNumber("maxItems", field.MaxItems);
        writer.WriteStartObject("items");
        items();
        writer.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter writer, WireField field)
    {
        writer.WriteString("type", "string");
        writer.WriteNumber("maxLength", field.MaxChars);
    }

    private static void Words(Utf8JsonWriter writer, WireField field)
    {
        writer.WriteStartArray("enum");
        foreach (string word in field.Words)
        {
            writer.WriteStringValue(word);
        }

        writer.WriteEndArray();
    }
}
