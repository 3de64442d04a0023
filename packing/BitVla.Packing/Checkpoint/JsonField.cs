using System.Text.Json;
using System.Text.Unicode;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>A value in a JSON file, with its path for messages. Reading it gives the value or a typed error.</summary>
internal readonly struct JsonField
{
    /// <summary>Largest configuration file read.</summary>
    public const int MaxConfigBytes = 4 << 20;

    private readonly JsonElement element;

    private JsonField(string file, string path, JsonElement element)
    {
        File = file;
        Path = path;
        this.element = element;
    }

    public string File { get; }

    public string Path { get; }

    /// <summary>Whether the value is absent or null.</summary>
    public bool IsMissing => element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    public bool IsString => element.ValueKind == JsonValueKind.String;

    public bool IsArray => element.ValueKind == JsonValueKind.Array;

    /// <summary>Reads and parses a file.</summary>
    public static JsonField Read(string path, int maxBytes = MaxConfigBytes)
    {
        using var source = SourceFile.Open(path);
        if (source.Length > maxBytes)
        {
            throw new ArtifactException(ArtifactError.LimitExceeded, path, "file", $"at most {maxBytes} bytes", $"{source.Length}");
        }

        byte[] bytes = new byte[(int)source.Length];
        source.ReadExactly(bytes, 0, "file");
        return Parse(bytes, path, "");
    }

    /// <summary>Parses UTF-8 text; a key that stands twice is an error.</summary>
    public static JsonField Parse(ReadOnlyMemory<byte> utf8, string file, string name)
    {
        string subject = name.Length == 0 ? "JSON" : name;
        if (!Utf8.IsValid(utf8.Span))
        {
            throw new ArtifactException(ArtifactError.Malformed, file, subject, "UTF-8 text", "other bytes");
        }

        try
        {
            var root = JsonDocument.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false }).RootElement;
            CheckEscapes(utf8.Span, root);
            return new JsonField(file, name, root);
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            bool duplicate = IsWellFormed(utf8);
            throw new ArtifactException(
                duplicate ? ArtifactError.Duplicate : ArtifactError.Malformed, file, subject, duplicate ? "distinct keys" : "JSON", cause.Message, null, cause);
        }
    }

    /// <summary>A member that must be there.</summary>
    public JsonField this[string name]
    {
        get
        {
            var member = Optional(name);
            return member.IsMissing ? throw Wrong(ArtifactError.Missing, member.Path, "a value", "none") : member;
        }
    }

    /// <summary>A member that may be absent or null.</summary>
    public JsonField Optional(string name)
    {
        string path = Child(name);
        if (IsMissing)
        {
            return new JsonField(File, path, default);
        }

        Require(JsonValueKind.Object, "an object");
        return new JsonField(File, path, element.TryGetProperty(name, out var member) ? member : default);
    }

    /// <summary>Whether a member stands there as null.</summary>
    public bool HasNull(string name) => Optional(name).element.ValueKind == JsonValueKind.Null;

    /// <summary>Members in the order of the file.</summary>
    public IEnumerable<(string Name, JsonField Value)> Members()
    {
        Require(JsonValueKind.Object, "an object");
        foreach (var member in element.EnumerateObject())
        {
            yield return (member.Name, new JsonField(File, Child(member.Name), member.Value));
        }
    }

    /// <summary>Elements of an array.</summary>
    public IEnumerable<JsonField> Items()
    {
        Require(JsonValueKind.Array, "an array");
        int index = 0;
        foreach (var item in element.EnumerateArray())
        {
            yield return new JsonField(File, $"{Path}[{index++}]", item);
        }
    }

    public int Length
    {
        get
        {
            Require(JsonValueKind.Array, "an array");
            return element.GetArrayLength();
        }
    }

    public string Text()
    {
        Require(JsonValueKind.String, "a string");
        return element.GetString()!;
    }

    public bool Bool() => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(ArtifactError.WrongType, Path, "true or false", Describe()),
    };

    public long Integer(long min, long max)
    {
        Require(JsonValueKind.Number, "an integer");
        if (!element.TryGetInt64(out long value) || value < min || value > max)
        {
            throw Wrong(ArtifactError.InvalidValue, Path, $"an integer from {min} to {max}", Describe());
        }

        return value;
    }

    public double Number()
    {
        Require(JsonValueKind.Number, "a number");
        if (!element.TryGetDouble(out double value) || !double.IsFinite(value))
        {
            throw Wrong(ArtifactError.NonFinite, Path, "a finite number", Describe());
        }

        return value;
    }

    public double[] Numbers(int count)
    {
        if (Length != count)
        {
            throw Wrong(ArtifactError.WrongShape, Path, $"{count} numbers", $"{Length}");
        }

        return Items().Select(item => item.Number()).ToArray();
    }

    public bool[] Bools(int count)
    {
        if (Length != count)
        {
            throw Wrong(ArtifactError.WrongShape, Path, $"{count} booleans", $"{Length}");
        }

        return Items().Select(item => item.Bool()).ToArray();
    }

    /// <summary>An integer member, or its class default when the file leaves it out.</summary>
    public int Integer(string name, int fallback, int min, int max) =>
        Optional(name) is { IsMissing: false } value ? (int)value.Integer(min, max) : fallback;

    /// <summary>A number member, or its class default.</summary>
    public double Number(string name, double fallback) => Optional(name) is { IsMissing: false } value ? value.Number() : fallback;

    /// <summary>A boolean member, or its class default.</summary>
    public bool Bool(string name, bool fallback) => Optional(name) is { IsMissing: false } value ? value.Bool() : fallback;

    /// <summary>A string member, or its class default.</summary>
    public string Text(string name, string fallback) => Optional(name) is { IsMissing: false } value ? value.Text() : fallback;

    /// <summary>Demands that a member, where it stands, has one value.</summary>
    public void Demand(string name, string only, string fallback)
    {
        string found = Text(name, fallback);
        if (found != only)
        {
            throw Wrong(ArtifactError.Unsupported, Child(name), only, found);
        }
    }

    /// <summary>Demands that a flag, where it stands, has one value.</summary>
    public void Demand(string name, bool only, bool fallback)
    {
        bool found = Bool(name, fallback);
        if (found != only)
        {
            throw Wrong(ArtifactError.Unsupported, Child(name), only ? "true" : "false", found ? "true" : "false");
        }
    }

    public ArtifactException Wrong(ArtifactError error, string expected, string found) => Wrong(error, Path.Length == 0 ? "JSON" : Path, expected, found);

    /// <summary>The value as text for a message, cut to a line.</summary>
    public string Describe()
    {
        const int MaxShown = 80;
        if (element.ValueKind is JsonValueKind.Undefined)
        {
            return "nothing";
        }

        if (element.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
        {
            return element.ValueKind == JsonValueKind.Object ? "an object" : "an array";
        }

        string raw = element.GetRawText();
        return raw.Length <= MaxShown ? raw : raw[..MaxShown] + "…";
    }

    private ArtifactException Wrong(ArtifactError error, string path, string expected, string found) => new(error, File, path, expected, found);

    private string Child(string name)
    {
        const int MaxShown = 120;
        string shown = name.Length <= MaxShown ? name : name[..MaxShown] + "…";
        return Path.Length == 0 ? shown : $"{Path}.{shown}";
    }

    private void Require(JsonValueKind kind, string expected)
    {
        if (element.ValueKind != kind)
        {
            throw Wrong(IsMissing ? ArtifactError.Missing : ArtifactError.WrongType, expected, Describe());
        }
    }

    private static bool IsWellFormed(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            var root = JsonDocument.Parse(utf8).RootElement;
            CheckEscapes(utf8.Span, root);
            return true;
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    // A lone surrogate escape passes the parser and throws at the first reading of its string; look for them here, once.
    private static void CheckEscapes(ReadOnlySpan<byte> utf8, JsonElement root)
    {
        if (utf8.IndexOf("\\ud"u8) >= 0 || utf8.IndexOf("\\uD"u8) >= 0)
        {
            Walk(root);
        }

        static void Walk(JsonElement element)
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.String:
                    _ = element.GetString();
                    break;
                case JsonValueKind.Array:
                    foreach (var item in element.EnumerateArray())
                    {
                        Walk(item);
                    }

                    break;
                case JsonValueKind.Object:
                    foreach (var member in element.EnumerateObject())
                    {
                        _ = member.Name;
                        Walk(member.Value);
                    }

                    break;
            }
        }
    }
}
