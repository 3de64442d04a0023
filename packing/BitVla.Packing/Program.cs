using System.CommandLine;
using BitVla.Packing.Synth;

var root = new RootCommand(
    """
    Packs BitVLA checkpoints into one file for bitvlad, and looks into such files.

    Exit codes: 0 done; 1 the command line is wrong or its output cannot be written; 2 a configuration file is wrong;
    3 the model or checkpoint is invalid, or verify found damage; 4 the hardware is missing what is needed; 5 refused for
    safety; 6 timed out; 70 something unexpected, with a trace; 130 ended by Ctrl-C. (4, 5 and 6 are bitvlad's, listed
    so that one table serves both programs.)

    First steps:
      bitvla-pack synth -o tiny.bitvla       a small random model
      bitvla-pack inspect tiny.bitvla        what is in it
      bitvla-pack verify tiny.bitvla         every byte checked
    """);
root.Subcommands.Add(SynthCommand.Create());
return await root.Parse(args).InvokeAsync();
