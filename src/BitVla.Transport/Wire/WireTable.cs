namespace BitVla.Transport.Wire;

/// <summary>One message described once: its fields give the JSON, the CBOR, the schema, the check and the documentation.</summary>
public abstract class WireTable
{
    /// <summary>Creates a table.</summary>
    protected WireTable(string name, string topic, string meaning)
    {
        Name = name;
        Topic = topic;
        Meaning = meaning;
    }

    /// <summary>Short name, the schema's.</summary>
    public string Name { get; }

    /// <summary>Topic below the robot.</summary>
    public string Topic { get; }

    /// <summary>What it says.</summary>
    public string Meaning { get; }
}
