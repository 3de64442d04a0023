using BitVla.Format;
using Microsoft.Win32.SafeHandles;

namespace BitVla.Packing.Checkpoint;

/// <summary>A file of a checkpoint, read by position; its length is asked once and every size is held against it.</summary>
/// <remarks>Positioned reads instead of a map: a file that shrinks meanwhile is a typed error, not a signal.</remarks>
internal sealed class SourceFile : IDisposable
{
    private readonly SafeFileHandle handle;

    private SourceFile(string path, SafeFileHandle handle, long length)
    {
        Path = path;
        this.handle = handle;
        Length = length;
    }

    public string Path { get; }

    public long Length { get; }

    public static SourceFile Open(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                throw new ArtifactException(ArtifactError.NotFound, path, "file", "a file", Directory.Exists(path) ? "a folder" : "no such file");
            }

            var handle = File.OpenHandle(path);
            return new SourceFile(path, handle, RandomAccess.GetLength(handle));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ArtifactException(ArtifactError.Unreadable, path, "file", "a readable file", cause.Message, null, cause);
        }
    }

    /// <summary>Reads what is there, at most the destination's length.</summary>
    public int Read(Span<byte> destination, long offset)
    {
        try
        {
            return RandomAccess.Read(handle, destination, offset);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new ArtifactException(ArtifactError.Unreadable, Path, "file", "a readable file", cause.Message, offset, cause);
        }
    }

    /// <summary>Fills the destination; a file that ends before is truncated.</summary>
    public void ReadExactly(Span<byte> destination, long offset, string field)
    {
        for (int done = 0; done < destination.Length;)
        {
            int read = Read(destination[done..], offset + done);
            if (read == 0)
            {
                throw new ArtifactException(ArtifactError.Truncated, Path, field, $"{destination.Length} bytes", $"{done}", offset + done);
            }

            done += read;
        }
    }

    public void Dispose() => handle.Dispose();
}
