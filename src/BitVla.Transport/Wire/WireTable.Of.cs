namespace BitVla.Transport.Wire;

/// <summary>The table of a message type.</summary>
public sealed class WireTable<T> : WireTable
    where T : class
{
    private readonly Func<WireNode, T> read;
    private readonly (WireField Field, Func<T, WireNode?> Get)[] columns;

    internal WireTable(
        string name, string topic, string meaning, int maxBytes, Func<WireNode, T> read, params (WireField Field, Func<T, WireNode?> Get)[] columns)
        : base(name, topic, meaning, maxBytes, [.. columns.Select(column => column.Field)])
    {
        this.read = read;
        this.columns = columns;
    }

    /// <summary>Writes a message.</summary>
    /// <exception cref="WireException">A number is not finite or a field is outside its range: it may not leave.</exception>
    public byte[] Encode(T message, WireEncoding encoding)
    {
        WireNode node = ToNode(message);
        WireCheck.Object(node, Fields, "");
        byte[] payload = encoding == WireEncoding.Cbor ? CborPayload.Write(node) : JsonPayload.Write(node);
        return payload.Length <= MaxBytes ? payload : throw TooLarge(payload.Length);
    }

    /// <summary>Reads a message.</summary>
    /// <exception cref="WireException">The payload is not one; no other exception leaves for any bytes.</exception>
    public T Decode(ReadOnlySpan<byte> payload, WireEncoding encoding)
    {
        if (payload.Length > MaxBytes)
        {
            throw TooLarge(payload.Length);
        }

        WireNode node = encoding == WireEncoding.Cbor ? CborPayload.Read(payload) : JsonPayload.Read(payload);
        WireCheck.Object(node, Fields, "");
        return read(node);
    }

    /// <summary>The message as a tree, unchecked.</summary>
    internal WireNode ToNode(T message)
    {
        var members = new List<KeyValuePair<string, WireNode>>(columns.Length);
        foreach (var (field, get) in columns)
        {
            if (get(message) is { } value)
            {
                members.Add(new(field.Name, value));
            }
        }

        return WireNode.Of(members);
    }

    internal WireNode? OrNothing(T? message) => message is null ? null : ToNode(message);

    /// <summary>The message of a member that was checked.</summary>
    internal T? FromMember(WireNode node, string name) => node.Find(name) is { } member ? read(member) : null;

    private WireException TooLarge(int bytes) => new(WireCodes.TooLarge, "payload", $"at most {MaxBytes} bytes", $"{bytes}");
}
