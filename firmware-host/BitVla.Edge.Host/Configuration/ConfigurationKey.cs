using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace BitVla.Edge.Host.Configuration;

/// <summary>A value that a key does not take; the message says what was expected and what was found.</summary>
internal sealed class SettingValueException(string message) : Exception(message);

/// <summary>One row of the table of settings.</summary>
/// <remarks>A key knows how to read itself from a text (environment, command line) and from JSON (files), and how to say so in a schema.</remarks>
internal abstract class ConfigurationKey(string path, string unit, string meaning)
{
    protected const string Hidden = "(hidden)";

    /// <summary>Section and name: <c>mqtt.port</c>.</summary>
    public string Path { get; } = path;

    /// <summary>Unit of the value; empty when it has none.</summary>
    public string Unit { get; } = unit;

    /// <summary>What it does, in one line.</summary>
    public string Meaning { get; } = meaning;

    /// <summary>Whether the value must not be shown.</summary>
    public bool Secret { get; init; }

    /// <summary>The environment variable of the key.</summary>
    public string Environment => ConfigurationKeys.EnvironmentPrefix + Path.ToUpperInvariant().Replace(".", "__", StringComparison.Ordinal);

    /// <summary>The type's name, as JSON Schema has it.</summary>
    public abstract string TypeName { get; }

    /// <summary>The value when nobody says otherwise; null for none.</summary>
    public abstract object? DefaultValue { get; }

    /// <summary>What is allowed, in words; empty when everything of the type is.</summary>
    public virtual string Allowed => "";

    /// <summary>Reads the value from a text.</summary>
    /// <exception cref="SettingValueException">Not a value of this key.</exception>
    public abstract object Parse(string text);

    /// <summary>Reads the value from a JSON file.</summary>
    /// <exception cref="SettingValueException">Not a value of this key.</exception>
    public abstract object Read(JsonElement element);

    /// <summary>Writes type, range and default as members of a JSON Schema.</summary>
    public abstract void WriteSchema(Utf8JsonWriter writer);

    /// <summary>The value as a person reads it.</summary>
    public string Show(object? value) => value switch
    {
        null or "" => "",
        _ when Secret => Hidden,
        bool flag => flag ? "true" : "false",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        IReadOnlyList<string> list => string.Join(",", list),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    /// <summary>Writes the value as JSON.</summary>
    public void Write(Utf8JsonWriter writer, string name, object? value)
    {
        writer.WritePropertyName(name);
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case not (null or "") when Secret: writer.WriteStringValue(Hidden); break;
            case bool flag: writer.WriteBooleanValue(flag); break;
            case int number: writer.WriteNumberValue(number); break;
            case double number: writer.WriteNumberValue(number); break;
            case IReadOnlyList<string> list:
                writer.WriteStartArray();
                foreach (string item in list)
                {
                    writer.WriteStringValue(item);
                }

                writer.WriteEndArray();
                break;
            default: writer.WriteStringValue(Show(value)); break;
        }
    }

    protected static SettingValueException Wrong(string expected, string found) => new($"expected {expected}, found {found}");

    protected string Kind(JsonElement element) => element.ValueKind switch
    {
        _ when Secret => Hidden,
        JsonValueKind.String => $"the text \"{element.GetString()}\"",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.Null => "null",
        _ => element.GetRawText(),
    };
}

/// <summary>A key whose values have one type.</summary>
internal abstract class ConfigurationKey<T>(string path, string unit, T value, string meaning) : ConfigurationKey(path, unit, meaning)
{
    public T Default { get; } = value;

    public override object? DefaultValue => Default;
}

/// <summary>A text, perhaps one of a few, perhaps of a pattern.</summary>
internal sealed class TextKey(string path, string value, string meaning) : ConfigurationKey<string>(path, "", value, meaning)
{
    private const int MaxLength = 4096;

    public IReadOnlyList<string> Choices { get; init; } = [];

    public Regex? Pattern { get; init; }

    public override string TypeName => "string";

    public override string Allowed => Choices.Count > 0 ? string.Join(", ", Choices) : Pattern?.ToString() ?? "";

    public override object Parse(string text)
    {
        if (Choices.Count > 0 && !Choices.Contains(text))
        {
            throw Wrong($"one of {string.Join(", ", Choices)}", Quote(text));
        }

        if (Pattern is not null && !Pattern.IsMatch(text))
        {
            throw Wrong($"a text like {Pattern}", Quote(text));
        }

        return text.Length <= MaxLength ? text : throw Wrong($"at most {MaxLength} characters", $"{text.Length}");
    }

    public override object Read(JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? Parse(element.GetString()!) : throw Wrong("a text", Kind(element));

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", TypeName);
        if (Choices.Count > 0)
        {
            writer.WriteStartArray("enum");
            foreach (string choice in Choices)
            {
                writer.WriteStringValue(choice);
            }

            writer.WriteEndArray();
        }

        if (Pattern is not null)
        {
            writer.WriteString("pattern", Pattern.ToString());
        }

        writer.WriteString("default", Default);
    }

    private string Quote(string text) => Secret ? Hidden : $"\"{text}\"";
}

/// <summary>A whole number within a range.</summary>
internal sealed class IntegerKey(string path, string unit, int? value, int min, int max, string meaning)
    : ConfigurationKey<int?>(path, unit, value, meaning)
{
    public override string TypeName => "integer";

    public override string Allowed => string.Create(CultureInfo.InvariantCulture, $"{min} to {max}");

    public override object Parse(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= min && number <= max
            ? number
            : throw Wrong(Allowed, text);

    public override object Read(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number ? Parse(element.GetRawText()) : throw Wrong($"a whole number, {Allowed}", Kind(element));

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", TypeName);
        writer.WriteNumber("minimum", min);
        writer.WriteNumber("maximum", max);
        if (Default is { } number)
        {
            writer.WriteNumber("default", number);
        }
    }
}

/// <summary>A number within a range.</summary>
internal sealed class NumberKey(string path, string unit, double value, double min, double max, string meaning)
    : ConfigurationKey<double>(path, unit, value, meaning)
{
    public override string TypeName => "number";

    public override string Allowed => string.Create(CultureInfo.InvariantCulture, $"{min} to {max}");

    public override object Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= min && number <= max
            ? number
            : throw Wrong(Allowed, text);

    public override object Read(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number ? Parse(element.GetRawText()) : throw Wrong($"a number, {Allowed}", Kind(element));

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", TypeName);
        writer.WriteNumber("minimum", min);
        writer.WriteNumber("maximum", max);
        writer.WriteNumber("default", Default);
    }
}

/// <summary>Yes or no.</summary>
internal sealed class FlagKey(string path, bool value, string meaning) : ConfigurationKey<bool>(path, "", value, meaning)
{
    public override string TypeName => "boolean";

    public override object Parse(string text) => text switch
    {
        "true" => true,
        "false" => false,
        _ => throw Wrong("true or false", text),
    };

    public override object Read(JsonElement element) =>
        element.ValueKind is JsonValueKind.True or JsonValueKind.False ? element.GetBoolean() : throw Wrong("true or false", Kind(element));

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", TypeName);
        writer.WriteBoolean("default", Default);
    }
}

/// <summary>A list of texts; commas part them outside JSON.</summary>
internal sealed class ListKey(string path, string[] value, string meaning) : ConfigurationKey<IReadOnlyList<string>>(path, "", value, meaning)
{
    private const int MaxItems = 64;

    public override string TypeName => "array";

    public override object Parse(string text) =>
        Bounded(text.Length == 0 ? [] : text.Split(',', StringSplitOptions.TrimEntries));

    public override object Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array || element.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            throw Wrong("a list of texts", Kind(element));
        }

        return Bounded([.. element.EnumerateArray().Select(item => item.GetString()!)]);
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", TypeName);
        writer.WriteStartObject("items");
        writer.WriteString("type", "string");
        writer.WriteEndObject();
        writer.WriteNumber("maxItems", MaxItems);
        Write(writer, "default", Default);
    }

    private static string[] Bounded(string[] items) => items.Length <= MaxItems ? items : throw Wrong($"at most {MaxItems} items", $"{items.Length}");
}
