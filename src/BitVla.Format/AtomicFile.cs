namespace BitVla.Format;

/// <summary>A file that appears under its name only when it is whole: temporary file, fsync, rename, fsync of the folder.</summary>
/// <remarks>Power loss at any point leaves the old file or the new one; what was not committed is removed on dispose.</remarks>
public sealed class AtomicFile : IDisposable
{
    private readonly string path;
    private readonly string temporary;
    private bool committed;

    /// <summary>Opens the temporary file beside the target.</summary>
    /// <exception cref="ArtifactException">The folder cannot be written, or the target is a folder or a device; field "output".</exception>
    public AtomicFile(string path)
    {
        this.path = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(this.path) ?? "/";
        if (Directory.Exists(this.path) || folder == "/dev")
        {
            // The rename at the end would put a file in a device's place.
            throw new ArtifactException(ArtifactError.Unreadable, path, "output", "the name of a file", folder == "/dev" ? "a device" : "a folder");
        }

        temporary = $"{this.path}.{Environment.ProcessId}.tmp";
        try
        {
            Stream = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new ArtifactException(ArtifactError.Unreadable, path, "output", "a folder that can be written", cause.Message, null, cause);
        }
    }

    /// <summary>The bytes.</summary>
    public FileStream Stream { get; }

    /// <summary>Makes the bytes durable and gives the file its name.</summary>
    public void Commit()
    {
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
        File.Move(temporary, path, overwrite: true);
        committed = true;
        DurableFolder.Sync(Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes what was not committed.</summary>
    public void Dispose()
    {
        Stream.Dispose();
        if (!committed)
        {
            File.Delete(temporary);
        }
    }
}
