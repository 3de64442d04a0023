namespace BitVla.Packing;

/// <summary>A file that appears under its name only when it is whole: temporary file, fsync, rename.</summary>
internal sealed class AtomicFile : IDisposable
{
    private readonly string path;
    private readonly string temporary;
    private bool committed;

    /// <summary>Opens the temporary file beside the target.</summary>
    /// <exception cref="UsageException">The folder cannot be written.</exception>
    public AtomicFile(string path)
    {
        this.path = Path.GetFullPath(path);
        temporary = $"{this.path}.{Environment.ProcessId}.tmp";
        try
        {
            Stream = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be written: {cause.Message}");
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
