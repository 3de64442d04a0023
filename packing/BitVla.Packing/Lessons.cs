using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace BitVla.Packing;

/// <summary>What a verb's <c>--help</c> teaches below its options: meaning and examples.</summary>
internal static class Lessons
{
    private static readonly ConditionalWeakTable<Command, string> Texts = [];

    /// <summary>Gives a command its lesson.</summary>
    public static void Teach(this Command command, string lesson) => Texts.Add(command, lesson);

    /// <summary>Makes <c>--help</c> print lessons.</summary>
    public static void PrintWithHelp(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new Printer((SynchronousCommandLineAction)help.Action!);
    }

    private sealed class Printer(SynchronousCommandLineAction standard) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int exit = standard.Invoke(parseResult);
            if (Texts.TryGetValue(parseResult.CommandResult.Command, out string? lesson))
            {
                parseResult.InvocationConfiguration.Output.WriteLine(lesson);
            }

            return exit;
        }
    }
}
