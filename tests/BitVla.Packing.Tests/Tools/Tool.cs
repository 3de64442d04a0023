using System.CommandLine;

namespace BitVla.Packing.Tests.Tools;

/// <summary>Runs <c>bitvla-pack</c> in this process.</summary>
internal static class Tool
{
    public static (int Exit, string Output, string Error) Run(params string[] arguments)
    {
        var console = new InvocationConfiguration { Output = new StringWriter(), Error = new StringWriter() };
        int exit = CommandLine.Create().Parse(arguments).Invoke(console);
        return (exit, console.Output.ToString()!, console.Error.ToString()!);
    }
}
