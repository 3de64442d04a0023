using System.Text.Json;

namespace BitVla.Transport.Tests.Wire;

/// <summary>The part of JSON Schema that our schemas use; written from the specification, not from the printer. A keyword it does not know fails.</summary>
internal static class SchemaCheck
{
    public static string? Complaint(JsonElement schema, JsonElement value, string path)
    {
        foreach (JsonProperty rule in schema.EnumerateObject())
        {
            string? complaint = rule.Name switch
            {
                "$schema" or "title" or "description" => null,
                "type" => IsOf(rule.Value.GetString()!, value) ? null : $"{path}: not {rule.Value}",
                "minimum" => value.GetDouble() >= rule.Value.GetDouble() ? null : $"{path}: too low",
                "maximum" => value.GetDouble() <= rule.Value.GetDouble() ? null : $"{path}: too high",
                "maxLength" => value.GetString()!.EnumerateRunes().Count() <= rule.Value.GetInt32() ? null : $"{path}: too long",
                "maxItems" => value.GetArrayLength() <= rule.Value.GetInt32() ? null : $"{path}: too many",
                "enum" => rule.Value.EnumerateArray().Any(word => word.GetString() == value.GetString()) ? null : $"{path}: not one of the words",
                "items" => value.EnumerateArray().Select(item => Complaint(rule.Value, item, path + "[]")).FirstOrDefault(c => c is not null),
                "required" => rule.Value.EnumerateArray().Select(name => name.GetString()!).Where(name => !value.TryGetProperty(name, out _))
                    .Select(name => $"{path}.{name}: missing").FirstOrDefault(),
                "properties" => rule.Value.EnumerateObject()
                    .Select(p => value.TryGetProperty(p.Name, out JsonElement inner) ? Complaint(p.Value, inner, $"{path}.{p.Name}") : null).FirstOrDefault(c => c is not null),
                "additionalProperties" => value.EnumerateObject().Select(p => Complaint(rule.Value, p.Value, $"{path}.{p.Name}")).FirstOrDefault(c => c is not null),
                "oneOf" => rule.Value.EnumerateArray().Count(one => Fits(one, value)) == 1 ? null : $"{path}: not exactly one of",
                _ => $"{path}: the check knows no {rule.Name}",
            };
            if (complaint is not null)
            {
                return complaint;
            }
        }

        return null;
    }

    private static bool Fits(JsonElement schema, JsonElement value)
    {
        try
        {
            return Complaint(schema, value, "") is null;
        }
        catch (InvalidOperationException)
        {
            // A rule for another type of value.
            return false;
        }
    }

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => false,
    };
}
