namespace BitVla.Transport.Wire;

/// <summary>Members of an object as they are read: few, and none twice.</summary>
internal readonly struct WireMembers()
{
    public List<KeyValuePair<string, WireNode>> List { get; } = [];

    /// <exception cref="WireException">The name was there already, or there are too many.</exception>
    public void Add(string name, WireNode value)
    {
        foreach (var (known, _) in List)
        {
            if (known == name)
            {
                throw new WireException(WireCodes.Malformed, WireException.Quote(name), "each key once", "it twice");
            }
        }

        if (List.Count == WireLimits.Keys)
        {
            throw new WireException(WireCodes.TooLarge, "payload", $"at most {WireLimits.Keys} keys in an object", "more");
        }

        List.Add(new(name, value));
    }
}
