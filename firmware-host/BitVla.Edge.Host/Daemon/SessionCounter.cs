using System.Globalization;
using BitVla.Format;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Counts the starts of the daemon, so that a receiver can tell two of them apart.</summary>
internal static class SessionCounter
{
    public const string FileName = "session";

    private const int MaxFileBytes = 32;

    /// <summary>Takes the next number and keeps it: temporary file, fsync, rename.</summary>
    /// <remarks>A file that holds no number is taken for a first start: refusing to start would leave a robot without its policy for a lost counter.</remarks>
    /// <exception cref="ConfigurationException">The folder cannot be written.</exception>
    public static uint Next(string folder)
    {
        string file = Path.Combine(folder, FileName);
        try
        {
            Directory.CreateDirectory(folder);
            uint next = unchecked(Read(file) + 1);
            using var written = new AtomicFile(file);
            written.Stream.Write(System.Text.Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture) + "\n"));
            written.Commit();
            return next;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArtifactException)
        {
            throw new ConfigurationException($"state.dir: expected a folder that can be written, found {folder}: {cause.Message}");
        }
    }

    private static uint Read(string file) =>
        File.Exists(file) && new FileInfo(file).Length <= MaxFileBytes
        && uint.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint last) ? last : 0;
}
