namespace BitVla.Transport.Wire;

/// <summary>One message described once: its fields give the JSON, the CBOR, the schema, the check and the documentation.</summary>
public abstract class WireTable
{
    /// <summary>Creates a table.</summary>
    protected WireTable(string name, string topic, string meaning, int maxBytes, IReadOnlyList<WireField> fields)
    {
        Name = name;
        Topic = topic;
        Meaning = meaning;
        MaxBytes = maxBytes;
        Fields = fields;
    }

    /// <summary>Short name, the schema's.</summary>
    public string Name { get; }

    /// <summary>Topic below the robot.</summary>
    public string Topic { get; }

    /// <summary>What it says.</summary>
    public string Meaning { get; }

    /// <summary>Most bytes of a payload.</summary>
    public int MaxBytes { get; }

    /// <summary>Fields in the order they are written.</summary>
    public IReadOnlyList<WireField> Fields { get; }

    /// <summary>Its JSON Schema (2020-12), indented.</summary>
    public string Schema() => WireSchema.Print(this);
}
