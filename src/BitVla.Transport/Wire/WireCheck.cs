using System.Globalization;

namespace BitVla.Transport.Wire;

/// <summary>Holds a tree against its fields; used on what arrives and on what leaves.</summary>
internal static class WireCheck
{
    /// <exception cref="WireException">The first field that does not fit.</exception>
    public static void Object(WireNode node, IReadOnlyList<WireField> fields, string path)
    {
        Expect(node, WireNodeKind.Map, path.Length == 0 ? "payload" : path, "an object");
        foreach (WireField field in fields)
        {
            string name = path.Length == 0 ? field.Name : $"{path}.{field.Name}";
            if (node.Find(field.Name) is { } value)
            {
                Value(value, field, name);
            }
            else if (field.Required)
            {
                throw new WireException(WireCodes.Missing, name, field.TypeText, "nothing");
            }
        }
    }

    private static void Value(WireNode value, WireField field, string path)
    {
        switch (field.Type)
        {
            case WireType.Whole:
                Expect(value, WireNodeKind.Integer, path, field.TypeText);
                Require(value.Integer >= field.Min && value.Integer <= field.Max, WireCodes.Range, path, value, Range(field));
                break;
            case WireType.Number:
                Finite(value, path);
                break;
            case WireType.Flag:
                Expect(value, WireNodeKind.Flag, path, field.TypeText);
                break;
            case WireType.Text:
                Text(value, path, field.MaxChars);
                break;
            case WireType.Word:
                Word(value, field, path);
                break;
            case WireType.UnitList when value.Kind == WireNodeKind.Text:
                Word(value, field, path);
                break;
            case WireType.TextList or WireType.UnitList:
                List(value, field, path, (item, at) => Text(item, at, field.MaxChars));
                break;
            case WireType.WordList:
                List(value, field, path, (item, at) => Word(item, field, at));
                break;
            case WireType.NumberList:
                List(value, field, path, Finite);
                break;
            case WireType.NumberRows:
                List(value, field, path, (row, at) => List(row, field, at, Finite));
                Require(value.Items.TrueForAll(row => row.Items.Count == value.Items[0].Items.Count), WireCodes.Range, path, value, "rows of one length");
                break;
            case WireType.Group:
                Object(value, field.Fields, path);
                break;
            default:
                Expect(value, WireNodeKind.Map, path, field.TypeText);
                value.Members.ForEach(member => Text(member.Value, $"{path}.{WireException.Quote(member.Key)}", field.MaxChars));
                break;
        }
    }

    private static void List(WireNode value, WireField field, string path, Action<WireNode, string> check)
    {
        Expect(value, WireNodeKind.List, path, field.TypeText);
        Require(value.Items.Count <= field.MaxItems, WireCodes.TooLarge, path, value, $"at most {field.MaxItems} entries");
        for (int i = 0; i < value.Items.Count; i++)
        {
            check(value.Items[i], $"{path}[{i.ToString(CultureInfo.InvariantCulture)}]");
        }
    }

    private static void Finite(WireNode value, string path)
    {
        Require(value.Kind is WireNodeKind.Integer or WireNodeKind.Number, WireCodes.Type, path, value, "a number");
        Require(double.IsFinite(value.AsNumber), WireCodes.NonFinite, path, value, "a finite number");
    }

    private static void Text(WireNode value, string path, int maxChars)
    {
        Expect(value, WireNodeKind.Text, path, "text");
        if (value.Text.Length > maxChars)
        {
            throw new WireException(WireCodes.TooLarge, path, $"at most {maxChars} characters", $"{value.Text.Length}");
        }
    }

    private static void Word(WireNode value, WireField field, string path)
    {
        Expect(value, WireNodeKind.Text, path, field.TypeText);
        Require(field.Words.Contains(value.Text, StringComparer.Ordinal), WireCodes.Range, path, value, string.Join(", ", field.Words));
    }

    private static void Expect(WireNode value, WireNodeKind kind, string path, string expected) =>
        Require(value.Kind == kind, WireCodes.Type, path, value, expected);

    private static void Require(bool good, string code, string path, WireNode value, string expected)
    {
        if (!good)
        {
            throw new WireException(code, path, expected, value.Describe());
        }
    }

    private static string Range(WireField field) => string.Create(CultureInfo.InvariantCulture, $"{field.Min} to {field.Max}");
}
