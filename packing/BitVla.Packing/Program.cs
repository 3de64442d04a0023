using System.CommandLine;
using BitVla.Packing;

var root = new RootCommand("Packs BitVLA checkpoints.") { PackCommand.Create() };
return root.Parse(args).Invoke();
