using System.Runtime.InteropServices;

namespace BitVla.TestKit;

/// <summary>Native memory whose last element abuts an unreadable page: a read or write past the end ends the test run at once.</summary>
/// <remarks>The page before the buffer is unreadable too, but the buffer does not abut it. The memory starts as zeros.</remarks>
public sealed unsafe class GuardedBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly nint mapping;
    private readonly nuint mappedBytes;

    /// <summary>Maps a buffer of <paramref name="count"/> elements.</summary>
    public GuardedBuffer(int count)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint bytes = (nuint)count * (nuint)sizeof(T);
        nuint pages = (bytes + page - 1) / page;
        mappedBytes = (pages + 2) * page;
        mapping = Native.Map(0, mappedBytes, Native.None, Native.PrivateAnonymous, -1, 0);
        if (mapping == -1 || (pages > 0 && Native.Protect(mapping + (nint)page, pages * page, Native.ReadWrite) != 0))
        {
            throw new InvalidOperationException(
                $"A guarded buffer of {bytes} bytes could not be mapped, error {Marshal.GetLastPInvokeError()}.");
        }

        Length = count;
        Start = (T*)(mapping + (nint)((pages + 1) * page) - (nint)bytes);
    }

    /// <summary>Maps a copy of <paramref name="values"/>.</summary>
    public GuardedBuffer(ReadOnlySpan<T> values)
        : this(values.Length) => values.CopyTo(Span);

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>The first element.</summary>
    public T* Start { get; }

    /// <summary>All elements.</summary>
    public Span<T> Span => new(Start, Length);

    /// <inheritdoc/>
    public void Dispose() => _ = Native.Unmap(mapping, mappedBytes);
}

/// <summary>The memory mapping calls of Linux; the numbers are the same on x86-64 and arm64.</summary>
internal static partial class Native
{
    public const int None = 0;
    public const int ReadWrite = 3;
    public const int PrivateAnonymous = 0x22;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(nint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint bytes);
}
