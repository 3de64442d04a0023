using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace BitVla.TestKit;

/// <summary>The rules of the house that a compiler cannot hold. Each takes files and gives one line an offence.</summary>
/// <remarks>The idea is tigerbeetle's src/tidy.zig: the repository reads itself.</remarks>
public static partial class Tidy
{
    /// <summary>Longest C# file, lines. A mirror: beyond it, ask what the file is hiding.</summary>
    public const int MaxLines = 500;

    private static readonly string[] Rooms = ["src/", "firmware-host/", "packing/"];
    private static readonly string[] ExactRooms = ["src/BitVla.Kernels/", "src/BitVla.Model/"];
    private static readonly string[] FolderNames = ["Common", "Utils", "Utilities", "Helpers", "Misc", "Shared"];

    // IEEE operations and exact ones: the same bits on every processor.
    private static readonly HashSet<string> ExactMath =
    [
        "Sqrt", "FusedMultiplyAdd", "Floor", "Ceiling", "Truncate", "Round", "Abs", "Max", "Min", "Clamp", "CopySign", "Sign", "DivRem", "BigMul", "PI",
    ];

    /// <summary>Every rule by name, as the test runs them.</summary>
    public static IReadOnlyDictionary<string, Func<IReadOnlyList<RepositoryFile>, IEnumerable<string>>> Rules { get; } =
        new Dictionary<string, Func<IReadOnlyList<RepositoryFile>, IEnumerable<string>>>(StringComparer.Ordinal)
        {
            ["references follow the diagram"] = ReferencesFollowTheDiagram,
            ["IsSupported stands under Dispatch only"] = files => Find(Code(files).Where(f => !In(f, "src/BitVla.Kernels/Dispatch/")), AsksTheProcessor()),
            ["intrinsics stand in Kernels only"] = files =>
                Find(Code(files).Where(f => !In(f, "src/BitVla.Kernels/", "tests/BitVla.Kernels.Tests/")), Intrinsics()),
            ["no console in src"] = files => Find(Code(files).Where(f => In(f, "src/")), ConsoleUse()),
            ["arithmetic is the same on every processor"] = ArithmeticIsPortable,
            ["decisions are numbered"] = DecisionsAreNumbered,
            ["folders have names that say something"] = files =>
                files.Where(f => f.Folders.Intersect(FolderNames, StringComparer.OrdinalIgnoreCase).Any()).Select(f => $"{f.Path}: folder name says nothing"),
            ["lock files are whole"] = LockFilesAreWhole,
            ["files are short"] = files => Code(files).Where(f => Lines(f) > MaxLines).Select(f => $"{f.Path}: {Lines(f)} lines, at most {MaxLines}"),
            ["no unfinished marks"] = files => Find(files.Where(f => !In(f, "tests/goldens/")), Unfinished()),
            ["no path of one machine"] = files => Find(files, MachinePath()),
            ["tests do not sleep"] = files => Find(Code(files).Where(f => In(f, "tests/")), Sleep()),
            ["suppressions are local"] = files =>
                Find(files.Where(f => f.Path.EndsWith(".props", StringComparison.Ordinal) || f.Path.EndsWith(".targets", StringComparison.Ordinal)), NoWarn()),
        };

    /// <summary>Reads the dependency block of docs/ARCHITECTURE.md: project to the projects it may mention.</summary>
    public static IReadOnlyDictionary<string, string[]> ReadDiagram(string architecture)
    {
        var block = DependencyBlock().Match(architecture);
        return block.Success
            ? block.Groups["body"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(line => line.Split("->", StringSplitOptions.TrimEntries))
                .ToDictionary(p => p[0], p => p[1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), StringComparer.Ordinal)
            : throw new InvalidDataException("docs/ARCHITECTURE.md has no dependencies block.");
    }

    private static List<string> ReferencesFollowTheDiagram(IReadOnlyList<RepositoryFile> files)
    {
        var architecture = files.FirstOrDefault(f => f.Path == "docs/ARCHITECTURE.md");
        if (architecture is null)
        {
            return ["docs/ARCHITECTURE.md: missing"];
        }

        var diagram = ReadDiagram(architecture.Text);
        var projects = files.Where(f => In(f, Rooms) && f.Path.EndsWith(".csproj", StringComparison.Ordinal))
            .ToDictionary(f => Path.GetFileNameWithoutExtension(f.Path), f => f, StringComparer.Ordinal);
        var offences = new List<string>();
        offences.AddRange(diagram.Keys.Except(projects.Keys).Select(name => $"docs/ARCHITECTURE.md: {name} is drawn but does not exist"));
        foreach (var (name, file) in projects)
        {
            if (!diagram.TryGetValue(name, out string[]? allowed))
            {
                offences.Add($"{file.Path}: not in the diagram");
                continue;
            }

            var found = XDocument.Parse(file.Text).Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))).ToHashSet(StringComparer.Ordinal);
            offences.AddRange(found.Except(allowed).Select(other => $"{file.Path}: mentions {other}, which the diagram does not allow"));
            offences.AddRange(allowed.Except(found).Select(other => $"{file.Path}: does not mention {other}, which the diagram draws"));
        }

        return offences;
    }

    private static IEnumerable<string> ArithmeticIsPortable(IReadOnlyList<RepositoryFile> files)
    {
        foreach (var file in Code(files).Where(f => In(f, ExactRooms)))
        {
            foreach (Match use in MathUse().Matches(file.Code))
            {
                if (!ExactMath.Contains(use.Groups["name"].Value))
                {
                    yield return At(file, use);
                }
            }

            foreach (Match use in UnstableArithmetic().Matches(file.Code))
            {
                yield return At(file, use);
            }
        }
    }

    private static IEnumerable<string> DecisionsAreNumbered(IReadOnlyList<RepositoryFile> files)
    {
        var numbers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files.Where(f => In(f, "docs/decisions/")))
        {
            var name = DecisionName().Match(file.Path);
            if (!name.Success)
            {
                yield return $"{file.Path}: expected docs/decisions/NNNN-title.md";
                continue;
            }

            string number = name.Groups["number"].Value;
            if (!numbers.TryAdd(number, file.Path))
            {
                yield return $"{file.Path}: the number is taken by {numbers[number]}";
            }

            if (!file.Text.StartsWith($"# {number}: ", StringComparison.Ordinal))
            {
                yield return $"{file.Path}: the first line is not '# {number}: title'";
            }
        }
    }

    private static IEnumerable<string> LockFilesAreWhole(IReadOnlyList<RepositoryFile> files)
    {
        foreach (var project in files.Where(f => f.Path.EndsWith(".csproj", StringComparison.Ordinal)))
        {
            string expected = project.Path[..(project.Path.LastIndexOf('/') + 1)] + "packages.lock.json";
            var found = files.FirstOrDefault(f => f.Path == expected);
            if (found is null)
            {
                yield return $"{project.Path}: no packages.lock.json beside it";
            }
            else if (found.Text.Contains("http", StringComparison.OrdinalIgnoreCase))
            {
                yield return $"{expected}: names an address";
            }
        }
    }

    private static IEnumerable<RepositoryFile> Code(IEnumerable<RepositoryFile> files) =>
        files.Where(f => f.Path.EndsWith(".cs", StringComparison.Ordinal));

    private static bool In(RepositoryFile file, params string[] folders) => Array.Exists(folders, f => file.Path.StartsWith(f, StringComparison.Ordinal));

    private static int Lines(RepositoryFile file) => file.Text.AsSpan().Count('\n');

    private static IEnumerable<string> Find(IEnumerable<RepositoryFile> files, Regex pattern) =>
        files.SelectMany(file => pattern.Matches(file.Code).Select(match => At(file, match)));

    private static string At(RepositoryFile file, Match match) => $"{file.Path}:{file.Code.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value.Trim()}";

    [GeneratedRegex("```dependencies\n(?<body>.*?)```", RegexOptions.Singleline)]
    private static partial Regex DependencyBlock();

    [GeneratedRegex(@"\bIsSupported\b")]
    private static partial Regex AsksTheProcessor();

    [GeneratedRegex(@"\bSystem\.Runtime\.Intrinsics\b")]
    private static partial Regex Intrinsics();

    [GeneratedRegex(@"\bConsole\s*\.")]
    private static partial Regex ConsoleUse();

    [GeneratedRegex(@"\bMathF?\s*\.\s*(?<name>\w+)|\busing\s+static\s+System\.(?<name>MathF?)\b")]
    private static partial Regex MathUse();

    // Estimates and native conversions differ between processors; the others end in the C library or in loops whose width is the machine's.
    [GeneratedRegex(
        @"\.\s*(\w+Estimate|(Max|Min)Native|ConvertTo\w+Native|ShuffleNative)\b"
        + @"|\b(float|double|Half|Single|Double|Vector|Vector64|Vector128|Vector256|Vector512)\s*\.\s*"
        + @"(Sin|Cos|Tan|SinCos|SinPi|CosPi|TanPi|SinCosPi|Asin|Acos|Atan|Atan2|Sinh|Cosh|Tanh|Asinh|Acosh|Atanh|Exp|Exp2|Exp10|ExpM1|Pow|Log|Log2|Log10|LogP1|Cbrt|RootN|Hypot)\b"
        + @"|\bTensorPrimitives\s*\.")]
    private static partial Regex UnstableArithmetic();

    [GeneratedRegex(@"^docs/decisions/(?<number>\d{4})-[a-z0-9-]+\.md$")]
    private static partial Regex DecisionName();

    // Written with a class so that this line does not find itself.
    [GeneratedRegex(@"\b(TO[D]O|FI[X]ME|X[X]X|HA[C]K)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"(?<![\w.$}~*])/(work|root|home|tmp|var/tmp|Users)/")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(Thread\s*\.\s*Sleep|Task\s*\.\s*Delay|SpinWait\s*\.\s*SpinUntil)\b")]
    private static partial Regex Sleep();

    [GeneratedRegex("<NoWarn>")]
    private static partial Regex NoWarn();
}
