using System.CommandLine;
using BitVla.Packing.Synth;

namespace BitVla.Packing;

/// <summary>The command line of <c>bitvla-pack</c>.</summary>
internal static class CommandLine
{
    /// <summary>Creates it with all verbs.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand("Packs BitVLA checkpoints into one file for bitvlad, and looks into such files.");
        root.Subcommands.Add(PackCommand.Create());
        root.Subcommands.Add(InspectCommand.Create());
        root.Subcommands.Add(VerifyCommand.Create());
        root.Subcommands.Add(ExtractCommand.Create());
        root.Subcommands.Add(SynthCommand.Create());
        root.Teach(
            """
            Exit codes:
              0    done
              1    the command line is wrong, or its output cannot be written
              2    a setting is wrong         (bitvlad; one table serves both programs)
              3    the model or checkpoint is invalid, or verify found damage
              4    hardware is missing        (bitvlad)
              5    refused for safety         (bitvlad)
              6    timed out; not used yet
              70   something unexpected, with a trace
              130  ended by Ctrl-C; nothing is left behind

            First steps:
              bitvla-pack synth -o tiny.bitvla       a small random model
              bitvla-pack inspect tiny.bitvla        what is in it
              bitvla-pack verify tiny.bitvla         every byte checked
              bitvla-pack COMMAND --help             what a command does, with examples
            """);
        Lessons.PrintWithHelp(root);
        return root;
    }
}
