namespace BitVla.Transport.Wire;

/// <summary>The table of a message type.</summary>
public sealed class WireTable<T> : WireTable
    where T : class
{
    internal WireTable(string name, string topic, string meaning)
        : base(name, topic, meaning)
    {
    }

    /// <summary>Writes a message.</summary>
    /// <exception cref="WireException">A number is not finite or a field is outside its range: it may not leave.</exception>
    public byte[] Encode(T message, WireEncoding encoding) => throw new NotImplementedException();

    /// <summary>Reads a message.</summary>
    /// <exception cref="WireException">The payload is not one; no other exception leaves for any bytes.</exception>
    public T Decode(ReadOnlySpan<byte> payload, WireEncoding encoding) => throw new NotImplementedException();

    /// <summary>Its JSON Schema (2020-12), indented.</summary>
    public string Schema() => throw new NotImplementedException();
}
