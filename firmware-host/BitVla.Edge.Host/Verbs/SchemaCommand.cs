using System.CommandLine;
using BitVla.Edge.Host.Configuration;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad schema</c>: JSON Schemas of the configuration file and of every payload, from the tables that check them.</summary>
internal static class SchemaCommand
{
    private const string Everything = "all";

    public static Command Create()
    {
        string[] names = [Everything, ConfigurationSchema.Name, .. WireTables.All.Select(table => table.Name)];
        var name = new Argument<string>("NAME") { Description = $"Which: {string.Join(", ", names)}.", DefaultValueFactory = _ => Everything };
        name.AcceptOnlyFromAmong(names);
        var command = new Command("schema", "Prints JSON Schemas (2020-12) of the configuration file and of the payloads.") { name };
        command.SetAction(parse => Run(parse.GetValue(name)!));
        return command;
    }

    private static int Run(string name)
    {
        if (name == ConfigurationSchema.Name)
        {
            JsonOutput.Print(ConfigurationSchema.WriteMembers);
        }
        else if (name == Everything)
        {
            JsonOutput.Print(writer =>
            {
                writer.WriteStartObject(ConfigurationSchema.Name);
                ConfigurationSchema.WriteMembers(writer);
                writer.WriteEndObject();
                foreach (var table in WireTables.All)
                {
                    writer.WritePropertyName(table.Name);
                    writer.WriteRawValue(table.Schema());
                }
            });
        }
        else
        {
            Console.WriteLine(WireTables.All.First(table => table.Name == name).Schema());
        }

        return ExitCode.Ok;
    }
}
