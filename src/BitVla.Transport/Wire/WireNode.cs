namespace BitVla.Transport.Wire;

/// <summary>Kinds of <see cref="WireNode"/>.</summary>
internal enum WireNodeKind
{
    Null,
    Flag,
    Integer,
    Number,
    Text,
    List,
    Map,
}

/// <summary>A payload between its bytes and its message: the same tree for JSON and CBOR, both ways.</summary>
internal sealed class WireNode
{
    public static readonly WireNode Null = new(WireNodeKind.Null);

    private WireNode(WireNodeKind kind) => Kind = kind;

    public WireNodeKind Kind { get; }

    public bool Flag { get; private init; }

    public long Integer { get; private init; }

    public double Number { get; private init; }

    public string Text { get; private init; } = "";

    public List<WireNode> Items { get; private init; } = [];

    public List<KeyValuePair<string, WireNode>> Members { get; private init; } = [];

    /// <summary>The number, whole or not.</summary>
    public double AsNumber => Kind == WireNodeKind.Integer ? Integer : Number;

    public static WireNode Of(bool flag) => new(WireNodeKind.Flag) { Flag = flag };

    public static WireNode Of(long integer) => new(WireNodeKind.Integer) { Integer = integer };

    public static WireNode Of(double number) => new(WireNodeKind.Number) { Number = number };

    public static WireNode Of(string text) => new(WireNodeKind.Text) { Text = text };

    public static WireNode Of(List<WireNode> items) => new(WireNodeKind.List) { Items = items };

    public static WireNode Of(List<KeyValuePair<string, WireNode>> members) => new(WireNodeKind.Map) { Members = members };

    public static WireNode? OrNothing(long? integer) => integer is { } value ? Of(value) : null;

    public static WireNode? OrNothing(double? number) => number is { } value ? Of(value) : null;

    public static WireNode? OrNothing(string? text) => text is null ? null : Of(text);

    public static WireNode? OrNothing(IReadOnlyList<string>? texts) => texts is null ? null : Of(texts);

    public static WireNode Of(IReadOnlyList<string> texts) => Of(texts.Select(Of).ToList());

    public static WireNode Of(ReadOnlyMemory<double> numbers)
    {
        var items = new List<WireNode>(numbers.Length);
        foreach (double number in numbers.Span)
        {
            items.Add(Of(number));
        }

        return Of(items);
    }

    /// <summary>Rows of equal length.</summary>
    /// <exception cref="WireException">The numbers are not rows times columns.</exception>
    public static WireNode Rows(ReadOnlyMemory<double> numbers, int rows, int columns)
    {
        if (rows < 0 || columns < 0 || (long)rows * columns != numbers.Length)
        {
            throw new WireException(WireCodes.Range, "actions", $"{rows} rows of {columns}", $"{numbers.Length} numbers");
        }

        return Of(Enumerable.Range(0, rows).Select(row => Of(numbers.Slice(row * columns, columns))).ToList());
    }

    /// <summary>Units, as the one word when they are that word alone.</summary>
    public static WireNode Units(IReadOnlyList<string> units) => units is [WireWords.PolicyUnits] ? Of(WireWords.PolicyUnits) : Of(units);

    public static WireNode Of(IReadOnlyDictionary<string, string> map) =>
        Of(map.Select(pair => new KeyValuePair<string, WireNode>(pair.Key, Of(pair.Value))).ToList());

    public WireNode? Find(string name)
    {
        foreach (var (key, value) in Members)
        {
            if (key == name)
            {
                return value.Kind == WireNodeKind.Null ? null : value;
            }
        }

        return null;
    }

    public string Describe() => Kind switch
    {
        WireNodeKind.Null => "null",
        WireNodeKind.Flag => Flag ? "true" : "false",
        WireNodeKind.Integer => Integer.ToString(System.Globalization.CultureInfo.InvariantCulture),
        WireNodeKind.Number => Number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        WireNodeKind.Text => WireException.Quote(Text),
        WireNodeKind.List => $"a list of {Items.Count}",
        _ => $"an object of {Members.Count}",
    };

    // What follows reads a tree that WireCheck has passed, so a wrong kind cannot occur.
    public string TextOf(string name) => Find(name)!.Text;

    public string? OptionalText(string name) => Find(name)?.Text;

    public uint U32(string name) => (uint)Find(name)!.Integer;

    public uint? OptionalU32(string name) => (uint?)Find(name)?.Integer;

    public int Int(string name) => (int)Find(name)!.Integer;

    public long Long(string name) => Find(name)!.Integer;

    public long? OptionalLong(string name) => Find(name)?.Integer;

    public double NumberOf(string name) => Find(name)!.AsNumber;

    public double? OptionalNumber(string name) => Find(name)?.AsNumber;

    public bool FlagOf(string name) => Find(name)!.Flag;

    public string[] Texts(string name) => OptionalTexts(name)!;

    public string[]? OptionalTexts(string name) => Find(name) switch
    {
        null => null,
        { Kind: WireNodeKind.Text } one => [one.Text],
        var list => [.. list.Items.Select(item => item.Text)],
    };

    public double[] Numbers(string name) =>
        [.. Find(name)!.Items.SelectMany(item => item.Kind == WireNodeKind.List ? item.Items.Select(i => i.AsNumber) : [item.AsNumber])];

    /// <exception cref="WireException">Another number of rows or columns.</exception>
    public double[] Rows(string name, int rows, int columns)
    {
        List<WireNode> found = Find(name)!.Items;
        return found.Count == rows && found.TrueForAll(row => row.Items.Count == columns)
            ? Numbers(name)
            : throw new WireException(WireCodes.Range, name, $"{rows} rows of {columns}", $"{found.Count} rows of {(found.Count > 0 ? found[0].Items.Count : 0)}");
    }

    public Dictionary<string, string>? OptionalTextMap(string name) =>
        Find(name)?.Members.ToDictionary(pair => pair.Key, pair => pair.Value.Text, StringComparer.Ordinal);
}
