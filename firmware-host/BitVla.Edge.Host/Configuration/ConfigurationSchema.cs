using System.Text.Json;

namespace BitVla.Edge.Host.Configuration;

/// <summary>The table of settings as a JSON Schema, for editors and for <c>bitvlad schema configuration</c>.</summary>
internal static class ConfigurationSchema
{
    public const string Name = "configuration";

    /// <summary>Writes the members of the schema's object.</summary>
    public static void WriteMembers(Utf8JsonWriter writer)
    {
        writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
        writer.WriteString("title", "bitvla-edge.json");
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteStartObject("properties");
        writer.WriteStartObject("$schema");
        writer.WriteString("type", "string");
        writer.WriteEndObject();
        foreach (var section in ConfigurationKeys.All.GroupBy(key => key.Path.Split('.')[0]))
        {
            writer.WriteStartObject(section.Key);
            writer.WriteString("type", "object");
            writer.WriteBoolean("additionalProperties", false);
            writer.WriteStartObject("properties");
            foreach (var key in section)
            {
                writer.WriteStartObject(key.Path[(section.Key.Length + 1)..]);
                writer.WriteString("description", key.Unit.Length == 0 ? key.Meaning : $"{key.Meaning} Unit: {key.Unit}.");
                key.WriteSchema(writer);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
