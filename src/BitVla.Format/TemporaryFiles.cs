using System.Globalization;

namespace BitVla.Format;

/// <summary>Names of temporary files, NAME.PID.tmp, and the removal of those whose writer was killed.</summary>
internal static class TemporaryFiles
{
    private const string Suffix = ".tmp";

    // Those of this process: a process id comes back (in a container it is always 1), so the id alone does not tell.
    private static readonly HashSet<string> Open = new(StringComparer.Ordinal);

    /// <summary>Removes what dead writers of a target left beside it, and gives the name to write under.</summary>
    /// <exception cref="ArtifactException">This process writes the target already.</exception>
    public static string Claim(string target)
    {
        string temporary = $"{target}.{Environment.ProcessId}{Suffix}";
        lock (Open)
        {
            RemoveStale(target);
            return Open.Add(temporary)
                ? temporary
                : throw new ArtifactException(ArtifactError.Unreadable, target, "output", "a file that nobody else writes", "another writer in this process");
        }
    }

    /// <summary>Ends a claim.</summary>
    public static void Release(string temporary)
    {
        lock (Open)
        {
            Open.Remove(temporary);
        }
    }

    /// <summary>Deletes a file; one that cannot be deleted stays, and goes before the next writing.</summary>
    public static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static void RemoveStale(string target)
    {
        string folder = Path.GetDirectoryName(target) ?? "/";
        string prefix = Path.GetFileName(target) + ".";
        try
        {
            foreach (string file in Directory.EnumerateFiles(folder))
            {
                if (WriterOf(Path.GetFileName(file), prefix) is { } writer && IsStale(file, writer))
                {
                    Remove(file);
                }
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be listed may still be written; if it cannot, opening the file says so.
        }
    }

    private static int? WriterOf(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal) && name.Length > prefix.Length + Suffix.Length
        && int.TryParse(name.AsSpan(prefix.Length, name.Length - prefix.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int writer)
            ? writer
            : null;

    private static bool IsStale(string file, int writer)
    {
        if (writer == Environment.ProcessId)
        {
            return !Open.Contains(file);
        }

        return OperatingSystem.IsLinux() && !Directory.Exists($"/proc/{writer}") && !IsLocked(file);
    }

    // A writer in another container has an id that means nothing here, but holds the lock that FileShare.None takes.
    private static bool IsLocked(string file)
    {
        if (new FileInfo(file).LinkTarget is not null)
        {
            return false;
        }

        try
        {
            using var probe = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
