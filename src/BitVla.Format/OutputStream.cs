namespace BitVla.Format;

/// <summary>A file being written, whose input and output errors are typed: what fails is the output, no model is at fault.</summary>
internal sealed class OutputStream(FileStream file, string path) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => file.Length;

    /// <inheritdoc/>
    public override long Position
    {
        get => file.Position;

        // Moving writes the buffer out.
        set => Guard(() => file.Position = value);
    }

    /// <summary>The error of an output that cannot be written.</summary>
    public static ArtifactException Refused(string path, Exception cause) =>
        new(ArtifactError.Unreadable, path, "output", "a folder with room that can be written", cause.Message, null, cause);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            file.Write(buffer);
        }
        catch (Exception cause) when (IsRefusal(cause))
        {
            throw Refused(path, cause);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush() => Guard(file.Flush);

    /// <summary>Flushes to the medium.</summary>
    public void FlushToDisk() => Guard(() => file.Flush(flushToDisk: true));

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        Guard(() => file.Seek(offset, origin));
        return file.Position;
    }

    /// <inheritdoc/>
    public override void SetLength(long value) => Guard(() => file.SetLength(value));

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Guard(file.Dispose);
        }

        base.Dispose(disposing);
    }

    // .NET turns EFBIG, a file beyond what a FAT card or a limit allows, into an argument error.
    private static bool IsRefusal(Exception cause) => cause is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception cause) when (IsRefusal(cause))
        {
            throw Refused(path, cause);
        }
    }
}
