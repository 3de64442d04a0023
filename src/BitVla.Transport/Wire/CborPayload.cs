using System.Formats.Cbor;

namespace BitVla.Transport.Wire;

/// <summary>CBOR bytes to a tree and back. Maps have text keys; tags and byte strings have no place in a payload.</summary>
internal static class CborPayload
{
    public static byte[] Write(WireNode node)
    {
        var writer = new CborWriter(CborConformanceMode.Strict);
        Write(writer, node);
        return writer.Encode();
    }

    /// <exception cref="WireException">Not CBOR, or CBOR of a kind that JSON has no word for.</exception>
    public static WireNode Read(ReadOnlySpan<byte> payload)
    {
        // The reader keeps memory, not a span; payloads are small.
        var reader = new CborReader(payload.ToArray(), CborConformanceMode.Strict);
        try
        {
            WireNode node = Value(reader, 0);
            return reader.BytesRemaining == 0
                ? node
                : throw new WireException(WireCodes.Malformed, "payload", "one CBOR value", $"{reader.BytesRemaining} bytes after it");
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException or OverflowException)
        {
            throw new WireException(WireCodes.Malformed, "payload", "CBOR", $"an error near byte {payload.Length - reader.BytesRemaining}", e);
        }
    }

    private static void Write(CborWriter writer, WireNode node)
    {
        switch (node.Kind)
        {
            case WireNodeKind.Null:
                writer.WriteNull();
                break;
            case WireNodeKind.Flag:
                writer.WriteBoolean(node.Flag);
                break;
            case WireNodeKind.Integer:
                writer.WriteInt64(node.Integer);
                break;
            case WireNodeKind.Number:
                writer.WriteDouble(node.Number);
                break;
            case WireNodeKind.Text:
                writer.WriteTextString(node.Text);
                break;
            case WireNodeKind.List:
                writer.WriteStartArray(node.Items.Count);
                node.Items.ForEach(item => Write(writer, item));
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStartMap(node.Members.Count);
                foreach (var (name, value) in node.Members)
                {
                    writer.WriteTextString(name);
                    Write(writer, value);
                }

                writer.WriteEndMap();
                break;
        }
    }

    private static WireNode Value(CborReader reader, int depth)
    {
        CborReaderState state = reader.PeekState();
        switch (state)
        {
            case CborReaderState.UnsignedInteger:
                ulong unsigned = reader.ReadUInt64();
                return unsigned <= long.MaxValue ? WireNode.Of((long)unsigned) : WireNode.Of((double)unsigned);
            case CborReaderState.NegativeInteger:
                return WireNode.Of(reader.ReadInt64());
            case CborReaderState.HalfPrecisionFloat or CborReaderState.SinglePrecisionFloat or CborReaderState.DoublePrecisionFloat:
                double number = reader.ReadDouble();
                return double.IsFinite(number)
                    ? WireNode.Of(number)
                    : throw new WireException(WireCodes.NonFinite, "payload", "finite numbers", WireNode.Of(number).Describe());
            case CborReaderState.TextString or CborReaderState.StartIndefiniteLengthTextString:
                return WireNode.Of(reader.ReadTextString());
            case CborReaderState.Boolean:
                return WireNode.Of(reader.ReadBoolean());
            case CborReaderState.Null:
                reader.ReadNull();
                return WireNode.Null;
            case CborReaderState.StartArray or CborReaderState.StartMap when depth == WireLimits.Depth:
                throw new WireException(WireCodes.Malformed, "payload", $"at most {WireLimits.Depth} levels", "more");
            case CborReaderState.StartArray:
                return List(reader, depth);
            case CborReaderState.StartMap:
                return Map(reader, depth);
            default:
                throw new WireException(WireCodes.Malformed, "payload", "numbers, texts, flags, lists and maps", $"{state}");
        }
    }

    private static WireNode List(CborReader reader, int depth)
    {
        // The declared length is a claim of the sender: memory grows with what is there.
        var items = new List<WireNode>();
        reader.ReadStartArray();
        while (reader.PeekState() != CborReaderState.EndArray)
        {
            items.Add(Value(reader, depth + 1));
        }

        reader.ReadEndArray();
        return WireNode.Of(items);
    }

    private static WireNode Map(CborReader reader, int depth)
    {
        var members = new WireMembers();
        reader.ReadStartMap();
        while (reader.PeekState() != CborReaderState.EndMap)
        {
            string name = reader.ReadTextString();
            members.Add(name, Value(reader, depth + 1));
        }

        reader.ReadEndMap();
        return WireNode.Of(members.List);
    }
}
