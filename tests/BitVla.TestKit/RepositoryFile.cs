using System.Diagnostics;
using System.Text;

namespace BitVla.TestKit;

/// <summary>A text file of the repository: its path from the root, with forward slashes, and what stands in it.</summary>
public sealed record RepositoryFile(string Path, string Text)
{
    private const int MaxTextBytes = 4 << 20;

    /// <summary>The text of a C# file with comments and the contents of literals blanked; line breaks stay where they were.</summary>
    public string Code { get; } = Path.EndsWith(".cs", StringComparison.Ordinal) ? BlankProse(Text) : Text;

    /// <summary>The lowest folder's name first: used to judge names of folders.</summary>
    public IEnumerable<string> Folders => Path.Split('/').SkipLast(1);

    /// <summary>Reads every text file that git tracks or would track.</summary>
    public static IReadOnlyList<RepositoryFile> ReadAll()
    {
        var start = new ProcessStartInfo("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start)!;
        string listing = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        if (git.ExitCode != 0)
        {
            throw new InvalidOperationException("git ls-files failed: the tidy test reads a checkout.");
        }

        var files = new List<RepositoryFile>();
        foreach (string path in listing.Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            var place = new FileInfo(System.IO.Path.Combine(Repository.Root, path));
            if (place.Exists && place.Length <= MaxTextBytes && ReadText(place.FullName) is { } text)
            {
                files.Add(new(path, text));
            }
        }

        return files;
    }

    private static string? ReadText(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return bytes.AsSpan().Contains((byte)0) ? null : Encoding.UTF8.GetString(bytes);
    }

    // A scanner, not a parser: enough to tell code from prose. The holes of interpolated strings are blanked with the rest.
    private static string BlankProse(string text)
    {
        char[] code = text.ToCharArray();
        int at = 0;
        while (at < code.Length)
        {
            int end = ProseEnd(text, at);
            for (int i = at; i < end; i++)
            {
                code[i] = text[i] == '\n' ? '\n' : ' ';
            }

            at = Math.Max(end, at + 1);
        }

        return new string(code);
    }

    // Where the comment or literal that starts here ends; the start itself when none does.
    private static int ProseEnd(string text, int at)
    {
        var rest = text.AsSpan(at);
        if (rest.StartsWith("//"))
        {
            return Until(text, at, "\n", 0);
        }

        if (rest.StartsWith("/*"))
        {
            return Until(text, at + 2, "*/", 2);
        }

        if (rest.StartsWith("\"\"\""))
        {
            int quotes = rest.IndexOfAnyExcept('"') is >= 0 and var n ? n : rest.Length;
            return Until(text, at + quotes, new string('"', quotes), quotes);
        }

        if (rest[0] == '\'')
        {
            return QuotedEnd(text, at, '\'');
        }

        if (rest[0] != '"')
        {
            return at;
        }

        bool verbatim = text.AsSpan(Math.Max(0, at - 2), Math.Min(2, at)).Contains('@');
        return verbatim ? VerbatimEnd(text, at) : QuotedEnd(text, at, '"');
    }

    private static int Until(string text, int from, string mark, int include) =>
        text.IndexOf(mark, Math.Min(from, text.Length), StringComparison.Ordinal) is >= 0 and var end ? end + include : text.Length;

    private static int QuotedEnd(string text, int at, char quote)
    {
        for (int i = at + 1; i < text.Length && text[i] != '\n'; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == quote)
            {
                return i + 1;
            }
        }

        return at;
    }

    private static int VerbatimEnd(string text, int at)
    {
        int i = at + 1;
        while (i < text.Length)
        {
            if (text[i] != '"')
            {
                i++;
            }
            else if (i + 1 < text.Length && text[i + 1] == '"')
            {
                i += 2;
            }
            else
            {
                return i + 1;
            }
        }

        return text.Length;
    }
}
