using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using BitVla.Format;
using BitVla.Format.Layout;
using BitVla.TestKit;

namespace BitVla.House.Tests;

// Documents that speak of code, held against the code. README.md and docs/cli.md meet the published programs in BitVla.EndToEnd.Tests.
public sealed partial class DocumentationTests
{
    private static string FormatPage => Read("docs", "format.md");

    [Fact]
    public void Format_Page_NamesEachMetadataKey()
    {
        string page = FormatPage;
        string[] statistics = [.. from subject in (string[])["action", "proprio"]
                                  from what in (string[])["q01", "q99", "mask"]
                                  select ModelKeys.Statistics(0, subject, what).Replace(".0.", ".<i>.", StringComparison.Ordinal)];
        Assert.All(Constants(typeof(ModelKeys)).Concat(statistics), key => Assert.Contains($"| `{key}` |", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Format_Page_NamesNoKeyThatDoesNotExist()
    {
        string[] known = [.. Constants(typeof(ModelKeys))];
        var named = KeyRow().Matches(FormatPage).Select(m => m.Groups["key"].Value).Where(k => !k.Contains("<i>", StringComparison.Ordinal));
        Assert.All(named, key => Assert.Contains(key, known));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Format_Page_NamesEachTensorOfAPlan(bool ternary)
    {
        string page = FormatPage;
        var names = TensorPlan.For(Everything(ternary)).Select(t => LayerIndex().Replace(t.Name, "blk.<i>.")).Distinct(StringComparer.Ordinal);
        Assert.All(names.Concat(Constants(typeof(TensorNames))), name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Format_Page_NamesLayoutsAndVersion()
    {
        string page = FormatPage;
        Assert.Contains($"### {TernaryLayout.Name}\n", page, StringComparison.Ordinal);
        Assert.Contains($"### {DenseLayout.Name}\n", page, StringComparison.Ordinal);
        Assert.Contains("# The packed file, version 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Format_Page_TernaryExampleIsWhatTheEncoderWrites()
    {
        var codes = new byte[TernaryLayout.Bytes(2, 6)];
        TernaryLayout.EncodeRow([1, 0, -1, 1, 0, 0], 0, 2, codes);
        TernaryLayout.EncodeRow([-1, -1, -1, -1, 1, 1], 1, 2, codes);
        string shown = TernaryExample().Match(FormatPage).Groups["bytes"].Value.Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(Convert.ToHexStringLower(codes), shown);
    }

    [Fact]
    public void Format_Page_DenseExampleIsWhatTheEncoderWrites()
    {
        var panels = new ushort[DenseLayout.Elements(2, 2)];
        DenseLayout.EncodeRow([0x3f80, 0x4000], 0, panels);
        DenseLayout.EncodeRow([0x4040, 0x4080], 1, panels);
        byte[] bytes = [.. panels.SelectMany(BitConverter.GetBytes)];
        foreach (Match line in DenseExample().Matches(FormatPage))
        {
            byte[] shown = [.. Convert.FromHexString(line.Groups["bytes"].Value.Replace(" ", "", StringComparison.Ordinal)), .. new byte[28]];
            Assert.Equal(bytes[int.Parse(line.Groups["first"].Value, null)..][..32], shown);
        }

        Assert.Equal(2, DenseExample().Count(FormatPage));
    }

    [Fact]
    public void Dependencies_Decision_ArguesEachPackageAndNoOther()
    {
        var packages = XDocument.Parse(Read("Directory.Packages.props")).Descendants("PackageVersion").Select(p => p.Attribute("Include")!.Value);
        var argued = PackageRow().Matches(Read("docs", "decisions", "0002-dependencies.md")).Select(m => m.Groups["name"].Value);
        Assert.Equal(packages.Order(StringComparer.Ordinal), argued.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Readme_TestCommand_IsWhatContinuousIntegrationRuns()
    {
        string command = TestCommand().Match(Read("README.md")).Groups["command"].Value;
        Assert.NotEmpty(command);
        Assert.EndsWith($"exec {command}", Read(".ci", "run").TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void Readme_FirstCommand_IsTheDemonstration() =>
        Assert.StartsWith("deploy/demo.sh --count 4\n", FirstCommand().Match(Read("README.md")).Groups["command"].Value, StringComparison.Ordinal);

    [Fact]
    public void Documents_LinksBetweenFiles_LeadSomewhere()
    {
        foreach (var page in RepositoryFile.ReadAll().Where(f => f.Path.EndsWith(".md", StringComparison.Ordinal)))
        {
            string folder = Path.Combine(Repository.Root, Path.GetDirectoryName(page.Path)!);
            foreach (Match link in Link().Matches(page.Text))
            {
                string target = Path.Combine(folder, link.Groups["target"].Value);
                Assert.True(File.Exists(target) || Directory.Exists(target), $"{page.Path}: {link.Groups["target"].Value} does not exist");
            }
        }
    }

    private static string Read(params string[] parts) => File.ReadAllText(Path.Combine([Repository.Root, .. parts]));

    private static IEnumerable<string> Constants(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!);

    // A geometry that calls for every tensor there is.
    private static ModelGeometry Everything(bool ternary) => new()
    {
        ImageSize = 28,
        PatchSize = 14,
        VisionWidth = 16,
        VisionFeedForward = 32,
        VisionLayers = 1,
        VisionHeads = 1,
        VisionEpsilon = 1e-6f,
        VisionTernary = ternary,
        Width = 16,
        FeedForward = 32,
        Layers = 1,
        Heads = 1,
        KvHeads = 1,
        RmsEpsilon = 1e-5f,
        RopeTheta = 500000f,
        VocabRows = 32,
        HasLmHead = true,
        ChunkLength = 2,
        ActionDim = 3,
        HeadBlocks = 1,
        ProprioDim = 4,
        Cameras = [new CameraSpec("front", false)],
    };

    [GeneratedRegex(@"^\| `(?<key>(general|bitvla|tokenizer)\.[^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex KeyRow();

    [GeneratedRegex(@"\bblk\.\d+\.")]
    private static partial Regex LayerIndex();

    [GeneratedRegex(@"^    bytes: (?<bytes>[0-9a-f ]+)$", RegexOptions.Multiline)]
    private static partial Regex TernaryExample();

    [GeneratedRegex(@"^    bytes (?<first>\d+)-\d+: +(?<bytes>[0-9a-f ]+?)  then 28 zero bytes", RegexOptions.Multiline)]
    private static partial Regex DenseExample();

    [GeneratedRegex(@"^\| `(?<name>[\w.]+)` \|", RegexOptions.Multiline)]
    private static partial Regex PackageRow();

    [GeneratedRegex(@"## Tests\n.*?```sh\n(?<command>[^\n]+)\n```", RegexOptions.Singleline)]
    private static partial Regex TestCommand();

    [GeneratedRegex(@"```console\n\$ (?<command>.*?)```", RegexOptions.Singleline)]
    private static partial Regex FirstCommand();

    [GeneratedRegex(@"\]\((?!https?:|#)(?<target>[^)#]+)")]
    private static partial Regex Link();
}
