namespace BitVla.Format;

/// <summary>A file that appears under its name only when it is whole: temporary file, fsync, rename, fsync of the folder.</summary>
/// <remarks>
/// Power loss at any point leaves the old file or the new one; what was not committed is removed on dispose. The temporary file is
/// NAME.PID.tmp beside the target; one that a killed writer left behind goes when the target is written again.
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private readonly string path;
    private readonly string temporary;
    private readonly OutputStream stream;
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

        temporary = TemporaryFiles.Claim(this.path);
        try
        {
            // Not Create: that would follow a link which somebody put there, or take the file of another writer.
            stream = new OutputStream(new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20), path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            TemporaryFiles.Release(temporary);
            throw new ArtifactException(ArtifactError.Unreadable, path, "output", "a folder that can be written", cause.Message, null, cause);
        }
    }

    /// <summary>The bytes. A full disk is an <see cref="ArtifactException"/> with field "output".</summary>
    public Stream Stream => stream;

    /// <summary>Makes the bytes durable and gives the file its name.</summary>
    /// <exception cref="ArtifactException">The disk is full, or the file cannot have its name; field "output".</exception>
    public void Commit()
    {
        stream.FlushToDisk();
        stream.Dispose();
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw OutputStream.Refused(path, cause);
        }

        committed = true;
        DurableFolder.Sync(Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes what was not committed. Never throws: it often runs while an error is on its way up.</summary>
    public void Dispose()
    {
        try
        {
            // On a full disk the last buffer fails again here; its bytes are not wanted any more.
            stream.Dispose();
        }
        catch (ArtifactException) when (!committed)
        {
        }
        finally
        {
            if (!committed)
            {
                TemporaryFiles.Remove(temporary);
            }

            TemporaryFiles.Release(temporary);
        }
    }
}
