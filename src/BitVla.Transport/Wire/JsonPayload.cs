using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace BitVla.Transport.Wire;

/// <summary>JSON bytes to a tree and back.</summary>
internal static class JsonPayload
{
    public static byte[] Write(WireNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, node);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="WireException">Not JSON, a key twice, or a number that is not finite.</exception>
    public static WireNode Read(ReadOnlySpan<byte> payload)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = WireLimits.Depth });
        try
        {
            reader.Read();
            WireNode node = Value(ref reader);
            // Throws when anything but blanks follows.
            reader.Read();
            return node;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Python's json writes these words, which are not JSON; whoever sends them should read what is wrong.
            ReadOnlySpan<byte> rest = payload[(int)reader.BytesConsumed..].TrimStart(" \t\r\n,:[-"u8);
            throw rest.StartsWith("NaN"u8) || rest.StartsWith("Infinity"u8)
                ? new WireException(WireCodes.NonFinite, "payload", "finite numbers", rest[0] == (byte)'N' ? "NaN" : "Infinity", e)
                : new WireException(WireCodes.Malformed, "payload", "JSON", $"an error near byte {reader.BytesConsumed}", e);
        }
    }

    private static void Write(Utf8JsonWriter writer, WireNode node)
    {
        switch (node.Kind)
        {
            case WireNodeKind.Null:
                writer.WriteNullValue();
                break;
            case WireNodeKind.Flag:
                writer.WriteBooleanValue(node.Flag);
                break;
            case WireNodeKind.Integer:
                writer.WriteNumberValue(node.Integer);
                break;
            case WireNodeKind.Number:
                writer.WriteNumberValue(node.Number);
                break;
            case WireNodeKind.Text:
                writer.WriteStringValue(node.Text);
                break;
            case WireNodeKind.List:
                writer.WriteStartArray();
                node.Items.ForEach(item => Write(writer, item));
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStartObject();
                foreach (var (name, value) in node.Members)
                {
                    writer.WritePropertyName(name);
                    Write(writer, value);
                }

                writer.WriteEndObject();
                break;
        }
    }

    private static WireNode Value(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => Map(ref reader),
        JsonTokenType.StartArray => List(ref reader),
        JsonTokenType.String => WireNode.Of(reader.GetString()!),
        JsonTokenType.Number => Number(ref reader),
        JsonTokenType.True => WireNode.Of(true),
        JsonTokenType.False => WireNode.Of(false),
        _ => WireNode.Null,
    };

    private static WireNode Number(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out long integer) && !(integer == 0 && reader.ValueSpan[0] == (byte)'-'))
        {
            return WireNode.Of(integer);
        }

        double number = double.Parse(reader.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(number)
            ? WireNode.Of(number)
            : throw new WireException(WireCodes.NonFinite, "payload", "finite numbers", $"one beyond them at byte {reader.TokenStartIndex}");
    }

    private static WireNode List(ref Utf8JsonReader reader)
    {
        var items = new List<WireNode>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            items.Add(Value(ref reader));
        }

        return WireNode.Of(items);
    }

    private static WireNode Map(ref Utf8JsonReader reader)
    {
        var members = new WireMembers();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = reader.GetString()!;
            reader.Read();
            members.Add(name, Value(ref reader));
        }

        return WireNode.Of(members.List);
    }
}
