using System.Diagnostics;

namespace BitVla.Edge.Host.Tests.Verbs;

/// <summary>The program beside the tests, just-in-time compiled, as a process of its own.</summary>
internal static class ChildProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly);

    public static Process Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [PathOf("bitvlad.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("BITVLA__", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        return Process.Start(start)!;
    }

    public static async Task<(int Code, string Output, string Error)> RunAsync(params IEnumerable<string> arguments)
    {
        using var child = Start(arguments);
        return await EndAsync(child);
    }

    public static async Task<(int Code, string Output, string Error)> EndAsync(Process child)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var output = child.StandardOutput.ReadToEndAsync(patience.Token);
        var error = child.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await child.WaitForExitAsync(patience.Token);
            return (child.ExitCode, await output, await error);
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill();
            }
        }
    }
}
