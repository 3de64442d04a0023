using BitVla.TestKit;

namespace BitVla.House.Tests;

// Goal: the repository keeps the rules of the house. Method: every rule reads the checkout and finds nothing; and every rule
// reads a small bad example and finds it, so that none can pass by looking away.
public sealed class TidyTests
{
    private static readonly IReadOnlyList<RepositoryFile> Checkout = RepositoryFile.ReadAll();

    public static TheoryData<string> RuleNames => [.. Tidy.Rules.Keys];

    // rule, path, text
    public static TheoryData<string, string, string> BadExamples => new()
    {
        { "IsSupported stands under Dispatch only", "src/BitVla.Model/A.cs", "if (Avx2.IsSupported) { }" },
        { "intrinsics stand in Kernels only", "src/BitVla.Model/A.cs", "using System.Runtime.Intrinsics.Arm;" },
        { "no console in src", "src/BitVla.Format/A.cs", "Console.WriteLine();" },
        { "arithmetic is the same on every processor", "src/BitVla.Model/A.cs", "float y = MathF.Exp(x);" },
        { "arithmetic is the same on every processor", "src/BitVla.Kernels/A.cs", "double y = Math.Tanh(x);" },
        { "arithmetic is the same on every processor", "src/BitVla.Kernels/A.cs", "using static System.Math;" },
        { "arithmetic is the same on every processor", "src/BitVla.Kernels/A.cs", "var y = Vector256.MultiplyAddEstimate(a, b, c);" },
        { "arithmetic is the same on every processor", "src/BitVla.Kernels/A.cs", "var y = Vector128.MaxNative(a, b);" },
        { "arithmetic is the same on every processor", "src/BitVla.Kernels/A.cs", "var y = float.Sin(a);" },
        { "arithmetic is the same on every processor", "src/BitVla.Kernels/A.cs", "float y = MathF.ReciprocalSqrtEstimate(a);" },
        { "arithmetic is the same on every processor", "src/BitVla.Model/A.cs", "float y = TensorPrimitives.Sum(a);" },
        { "decisions are numbered", "docs/decisions/rooms.md", "# Rooms\n" },
        { "decisions are numbered", "docs/decisions/0007-rooms.md", "# Rooms\n" },
        { "folders have names that say something", "src/BitVla.Model/Utils/A.cs", "" },
        { "folders have names that say something", "src/BitVla.Model/common/A.cs", "" },
        { "lock files are whole", "src/A/A.csproj", "<Project />" },
        { "files are short", "src/BitVla.Model/A.cs", new string('\n', Tidy.MaxLines + 1) },
        { "no unfinished marks", "docs/format.md", "TO" + "DO: write this" },
        { "no path of one machine", "tests/a.sh", "ls /" + "work/main" },
        { "no path of one machine", "README.md", "(/" + "tmp/out)" },
        { "tests do not sleep", "tests/A/A.cs", "Thread.Sleep(10);" },
        { "tests do not sleep", "tests/A/A.cs", "await Task.Delay(10);" },
        { "suppressions are local", "Directory.Build.props", "<NoWarn>CS1591</NoWarn>" },
    };

    // path, text: what looks like an offence and is none.
    public static TheoryData<string, string> GoodExamples => new()
    {
        { "src/BitVla.Model/A.cs", "// Math.Exp differs between C libraries, so Console.WriteLine is not the only thing missing.\n" },
        { "src/BitVla.Model/A.cs", "/* IsSupported */ string s = \"Thread.Sleep Math.Sin \\\" Console.\";" },
        { "src/BitVla.Model/A.cs", "string s = @\"Console.\"\"Math.Sin\"; char q = '\"'; int x = 1; char r = '\\'';" },
        { "src/BitVla.Model/A.cs", "string s = \"\"\"\n  \"Console.\" Math.Pow\n  \"\"\";" },
        { "src/BitVla.Kernels/Dispatch/A.cs", "bool yes = System.Runtime.Intrinsics.Arm.Dp.IsSupported;" },
        { "src/BitVla.Kernels/A.cs", "float y = MathF.Sqrt(x) + Math.Max(1, 2) + MathF.FusedMultiplyAdd(a, b, c); NativeMemory.Free(p);" },
        { "docs/a.md", "See https://example.org/home/page, ./tmp/x and ${TMPDIR:-/var}/tmp/." },
        { "tests/A/A.cs", "// Thread.Sleep would make this slow.\n" },
    };

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void Repository_EachRule_IsKept(string rule) => Assert.Empty(Tidy.Rules[rule](Checkout));

    [Theory]
    [MemberData(nameof(BadExamples))]
    public void Rule_OnABadExample_FindsIt(string rule, string path, string text) =>
        Assert.Contains(Tidy.Rules[rule]([new(path, text)]), offence => offence.StartsWith(path, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(GoodExamples))]
    public void Rules_OnWhatOnlyLooksBad_FindNothing(string path, string text)
    {
        foreach (var (name, rule) in Tidy.Rules.Where(r => r.Key != "references follow the diagram"))
        {
            Assert.True(!rule([new(path, text)]).Any(), $"{name}: {string.Join("; ", rule([new(path, text)]))}");
        }
    }

    [Fact]
    public void Diagram_ReferenceAddedOrDropped_IsFound()
    {
        const string Drawn = "```dependencies\nA ->\nB -> A\nC -> A\nD ->\n```";
        const string MentionsA = "<Project><ItemGroup><ProjectReference Include=\"..\\A\\A.csproj\" /></ItemGroup></Project>";
        RepositoryFile[] files =
        [
            new("docs/ARCHITECTURE.md", Drawn),
            new("src/A/A.csproj", "<Project><ItemGroup><ProjectReference Include=\"../B/B.csproj\" /></ItemGroup></Project>"),
            new("src/B/B.csproj", MentionsA),
            new("packing/C/C.csproj", "<Project />"),
            new("firmware-host/E/E.csproj", MentionsA),
        ];
        string[] offences = [.. Tidy.Rules["references follow the diagram"](files)];
        Assert.Equal(4, offences.Length);
        Assert.Contains(offences, o => o.Contains("D is drawn but does not exist", StringComparison.Ordinal));
        Assert.Contains(offences, o => o.StartsWith("src/A/A.csproj: mentions B", StringComparison.Ordinal));
        Assert.Contains(offences, o => o.StartsWith("packing/C/C.csproj: does not mention A", StringComparison.Ordinal));
        Assert.Contains(offences, o => o.StartsWith("firmware-host/E/E.csproj: not in the diagram", StringComparison.Ordinal));
    }

    [Fact]
    public void Decisions_TwoOfOneNumber_AreFound()
    {
        RepositoryFile[] files = [new("docs/decisions/0001-a.md", "# 0001: a\n"), new("docs/decisions/0001-b.md", "# 0001: b\n")];
        Assert.Single(Tidy.Rules["decisions are numbered"](files));
    }

    [Fact]
    public void LockFile_ThatNamesAnAddress_IsFound()
    {
        RepositoryFile[] files = [new("src/A/A.csproj", "<Project />"), new("src/A/packages.lock.json", "{ \"x\": \"https://host/feed\" }")];
        Assert.Single(Tidy.Rules["lock files are whole"](files));
    }
}
