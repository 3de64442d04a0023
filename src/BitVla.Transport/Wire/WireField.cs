using System.Globalization;

namespace BitVla.Transport.Wire;

/// <summary>One field of a message: what the documentation says of it is what the code checks.</summary>
public sealed class WireField
{
    private const long MaxExactInteger = (1L << 53) - 1;

    private WireField(string name, WireType type, string unit, string meaning)
    {
        Name = name;
        Type = type;
        Unit = unit;
        Meaning = meaning;
    }

    /// <summary>Key.</summary>
    public string Name { get; }

    /// <summary>Type.</summary>
    public WireType Type { get; }

    /// <summary>Unit; empty when it has none.</summary>
    public string Unit { get; }

    /// <summary>What it says, one line.</summary>
    public string Meaning { get; }

    /// <summary>It is always there.</summary>
    public bool Required { get; private init; } = true;

    /// <summary>Lowest whole number.</summary>
    public long Min { get; private init; }

    /// <summary>Highest whole number.</summary>
    public long Max { get; private init; } = MaxExactInteger;

    /// <summary>Most characters of a text.</summary>
    public int MaxChars { get; private init; } = WireLimits.TextChars;

    /// <summary>Most entries of a list.</summary>
    public int MaxItems { get; private init; } = WireLimits.ProprioValues;

    /// <summary>The words of a word field; the one word of a unit list.</summary>
    public IReadOnlyList<string> Words { get; private init; } = [];

    /// <summary>Fields of an object.</summary>
    public IReadOnlyList<WireField> Fields { get; private init; } = [];

    /// <summary>Type in words, as the documentation has it.</summary>
    public string TypeText => Type switch
    {
        WireType.Whole when Max == uint.MaxValue => "u32",
        WireType.Whole when Max == MaxExactInteger => "integer",
        WireType.Whole => string.Create(CultureInfo.InvariantCulture, $"integer {Min} to {Max}"),
        WireType.Number => "number",
        WireType.Flag => "true or false",
        WireType.Text => "text",
        WireType.Word => string.Join(", ", Words.Select(word => $"`{word}`")),
        WireType.TextList => "list of text",
        WireType.WordList => "list of " + string.Join(", ", Words.Select(word => $"`{word}`")),
        WireType.UnitList => $"list of text, or `{Words[0]}`",
        WireType.NumberList => "list of number",
        WireType.NumberRows => "list of lists of number",
        WireType.Group => "object of " + string.Join(", ", Fields.Select(part => $"`{part.Name}`")),
        _ => "object of text",
    };

    internal static WireField U32(string name, string unit, string meaning) => new(name, WireType.Whole, unit, meaning) { Max = uint.MaxValue };

    internal static WireField Integer(string name, string unit, string meaning, long min = 0, long max = MaxExactInteger) =>
        new(name, WireType.Whole, unit, meaning) { Min = min, Max = max };

    internal static WireField Number(string name, string unit, string meaning) => new(name, WireType.Number, unit, meaning);

    internal static WireField Flag(string name, string meaning) => new(name, WireType.Flag, "", meaning);

    internal static WireField Text(string name, string meaning, int maxChars = WireLimits.TextChars) =>
        new(name, WireType.Text, "", meaning) { MaxChars = maxChars };

    internal static WireField Word(string name, IReadOnlyList<string> words, string meaning) => new(name, WireType.Word, "", meaning) { Words = words };

    internal static WireField TextList(string name, string meaning) => new(name, WireType.TextList, "", meaning);

    internal static WireField WordList(string name, IReadOnlyList<string> words, string meaning) =>
        new(name, WireType.WordList, "", meaning) { Words = words };

    internal static WireField UnitList(string name, string meaning) =>
        new(name, WireType.UnitList, "", meaning) { Words = [WireWords.PolicyUnits] };

    internal static WireField NumberList(string name, string unit, string meaning) => new(name, WireType.NumberList, unit, meaning);

    internal static WireField NumberRows(string name, string unit, string meaning) => new(name, WireType.NumberRows, unit, meaning);

    internal static WireField Object(string name, IReadOnlyList<WireField> fields, string meaning) =>
        new(name, WireType.Group, "", meaning) { Fields = fields };

    internal static WireField TextMap(string name, string meaning) => new(name, WireType.TextMap, "", meaning);

    /// <summary>The same field, not always there.</summary>
    internal WireField Optional() => new(Name, Type, Unit, Meaning)
    {
        Required = false,
        Min = Min,
        Max = Max,
        MaxChars = MaxChars,
        MaxItems = MaxItems,
        Words = Words,
        Fields = Fields,
    };
}
