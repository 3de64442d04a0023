using System.Text.RegularExpressions;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests;

// README.md and docs/cli.md cannot lie: the commands the README shows are run and their output compared; the verbs, options and exit codes
// of docs/cli.md are those of --help.
public sealed partial class DocumentTests
{
    // Lines that tell what this machine measured: their numbers and names of kernels may be others.
    private static readonly string[] MeasuredLines = ["engine ", "seconds ", "memory ", "selected ", "mqtt ", "chunk 1 ", "chunk 2 ", "chunk 3 ", "chunk 4 "];

    private static string Readme => File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
    private static string Cli => File.ReadAllText(Path.Combine(Repository.Root, "docs", "cli.md"));

    public static TheoryData<string, string> Verbs()
    {
        var verbs = new TheoryData<string, string>();
        foreach (string program in (string[])["bitvlad", "bitvla-pack"])
        {
            foreach (string verb in VerbsOf(program))
            {
                verbs.Add(program, verb);
            }
        }

        return verbs;
    }

    [Theory]
    [InlineData("deploy/demo.sh --count 4")]
    [InlineData("deploy/one-pass.sh")]
    public void Readme_Script_PrintsWhatTheReadmeShows(string command)
    {
        string first = $"$ {command}\n";
        string shown = Blocks().First(block => block.StartsWith(first, StringComparison.Ordinal));
        var start = new System.Diagnostics.ProcessStartInfo("bash", command.Split(' ')) { WorkingDirectory = Repository.Root, RedirectStandardOutput = true };

        // The programs are those that were published for this test run: the building is left out, and its lines with it.
        start.Environment["BITVLA_PUBLISH"] = Programs.Published;
        using var script = System.Diagnostics.Process.Start(start)!;
        string output = script.StandardOutput.ReadToEnd();
        script.WaitForExit();
        Assert.Equal(0, script.ExitCode);
        string expected = string.Join('\n', shown.Split('\n').Skip(1).Where(line => !line.StartsWith("building ", StringComparison.Ordinal)));
        Assert.Equal(Mask(expected), Mask(output));
    }

    [Fact]
    public void Readme_OtherCommands_PrintWhatTheReadmeShows()
    {
        int commands = 0;
        foreach (string block in Blocks().Where(block => !block.StartsWith("$ deploy/", StringComparison.Ordinal)))
        {
            foreach (var (command, expected) in Commands(block))
            {
                // The shell takes the quotes apart, as a reader's does.
                var outcome = Programs.Run("bash", "-c", $"PATH={Path.Combine(Programs.Published, Programs.Native)}:$PATH; {command}");
                Assert.True(outcome.ExitCode == 0, $"{command}: {outcome.Error}");
                Assert.Equal(Mask(expected), Mask(outcome.Output));
                commands++;
            }
        }

        Assert.True(commands >= 1, "the README shows no command that could be run");
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Cli_EachVerb_HasTheOptionsOfItsHelp(string program, string verb)
    {
        string[] documented = Options(Section(program, verb));
        string[] real = [.. Options(OptionsPart(Help(program, verb))).Except(["--help"])];
        Assert.Equal(real.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Cli_Sections_AreTheVerbsThereAre()
    {
        var documented = VerbHeading().Matches(Cli).Select(m => $"{m.Groups["program"].Value} {m.Groups["verb"].Value}");
        var real = ((string[])["bitvla-pack", "bitvlad"]).SelectMany(program => VerbsOf(program).Select(verb => $"{program} {verb}"));
        Assert.Equal(real.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Cli_ExitCodes_AreThoseOfBothHelps()
    {
        var documented = ExitCodeRow().Matches(Cli).Select(m => m.Groups["code"].Value).ToHashSet(StringComparer.Ordinal);
        var pack = HelpExitCode().Matches(Help("bitvla-pack", "--help")).Select(m => m.Groups["code"].Value).ToHashSet(StringComparer.Ordinal);
        string daemon = Help("bitvlad", "--help");
        Assert.Superset(pack, documented);
        foreach (Match code in InlineExitCode().Matches(daemon[daemon.IndexOf("Exit codes:", StringComparison.Ordinal)..daemon.IndexOf("Usage:", StringComparison.Ordinal)]))
        {
            Assert.Contains(code.Groups["code"].Value, documented);
        }
    }

    private static string Help(string program, string verb)
    {
        string[] arguments = verb == "--help" ? ["--help"] : [verb, "--help"];
        var outcome = Programs.Run(Programs.Find(Programs.Native, program), arguments);
        Assert.Equal(0, outcome.ExitCode);
        return outcome.Output;
    }

    private static string[] VerbsOf(string program)
    {
        string help = Help(program, "--help");
        string commands = help[(help.IndexOf("Commands:", StringComparison.Ordinal) + "Commands:".Length)..].TrimStart('\n');
        return [.. commands.Split("\n\n")[0].Split('\n').Select(line => HelpVerb().Match(line)).Where(m => m.Success).Select(m => m.Groups["verb"].Value)];
    }

    // Options end at the first empty line; lessons with examples follow.
    private static string OptionsPart(string help)
    {
        string rest = help[help.IndexOf("\nOptions:", StringComparison.Ordinal)..];
        string block = rest.Split("\n\n")[0];
        return string.Join('\n', block.Split('\n').Select(line => OptionLine().Match(line)).Where(m => m.Success).Select(m => m.Groups["options"].Value));
    }

    private static string Section(string program, string verb)
    {
        string heading = $"### `{program} {verb}`";
        int start = Cli.IndexOf(heading, StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/cli.md has no section {heading}");
        int end = Cli.IndexOf("\n#", start + heading.Length, StringComparison.Ordinal);
        return Cli[(start + heading.Length)..(end < 0 ? Cli.Length : end)];
    }

    private static string[] Options(string text) => [.. LongOption().Matches(text).Select(m => m.Value).Distinct(StringComparer.Ordinal)];

    private static IEnumerable<(string Command, string Output)> Commands(string block)
    {
        foreach (string part in ("\n" + block).Split("\n$ ", StringSplitOptions.RemoveEmptyEntries))
        {
            string joined = part.Replace("\\\n", " ", StringComparison.Ordinal);
            int end = joined.IndexOf('\n', StringComparison.Ordinal);
            yield return end < 0 ? (joined, "") : (joined[..end], joined[(end + 1)..]);
        }
    }

    private static IEnumerable<string> Blocks() => ConsoleBlock().Matches(Readme).Select(m => m.Groups["body"].Value);

    private static string Mask(string text) => string.Join('\n', text.Trim().Split('\n').Select(line =>
        Array.Exists(MeasuredLines, m => line.StartsWith(m, StringComparison.Ordinal))
            ? Number().Replace(KernelName().Replace(line, "KERNEL"), "#").TrimEnd()
            : line.TrimEnd()));

    [GeneratedRegex("```console\n(?<body>.*?)```", RegexOptions.Singleline)]
    private static partial Regex ConsoleBlock();

    [GeneratedRegex(@"^  (?<verb>[a-z][a-z-]*)\b")]
    private static partial Regex HelpVerb();

    [GeneratedRegex(@"^  (?<options>-\S.*?)(  |$)")]
    private static partial Regex OptionLine();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z0-9-]*")]
    private static partial Regex LongOption();

    [GeneratedRegex("^### `(?<program>bitvlad|bitvla-pack) (?<verb>[a-z-]+)`", RegexOptions.Multiline)]
    private static partial Regex VerbHeading();

    [GeneratedRegex(@"^\| (?<code>\d+) \|", RegexOptions.Multiline)]
    private static partial Regex ExitCodeRow();

    [GeneratedRegex(@"^  (?<code>\d+) +\w", RegexOptions.Multiline)]
    private static partial Regex HelpExitCode();

    [GeneratedRegex(@"(?<code>\d+) [a-z]")]
    private static partial Regex InlineExitCode();

    [GeneratedRegex(@"[+-]?\d+(\.\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex(@"\b(avx2|neon-dot|reference)\b")]
    private static partial Regex KernelName();
}
