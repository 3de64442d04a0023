using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BitVla.Packing;

/// <summary>Whether two names mean the same file, however they are spelt.</summary>
internal static partial class FileIdentity
{
    // statx's structure is the same on all architectures, stat's is not. Source: statx(2).
    private const int StatxBytes = 256;
    private const int InodeOffset = 32;
    private const int DeviceOffset = 136;
    private const uint InodeMask = 0x100;
    private const int CurrentFolder = -100;

    /// <summary>Refuses an output that is one of the files a command reads.</summary>
    /// <exception cref="UsageException">It is.</exception>
    public static void RefuseInput(string output, IEnumerable<string> inputs, string what)
    {
        string full = Path.GetFullPath(output);
        if (!File.Exists(full))
        {
            return;
        }

        var place = Find(full);
        if (inputs.Any(input => Path.GetFullPath(input) == full || (place is not null && place == Find(Path.GetFullPath(input)))))
        {
            throw new UsageException($"{output} is {what}, which is read; choose another output.");
        }
    }

    // Device and inode, links followed; null when there is no such file.
    private static (ulong Device, ulong Inode)? Find(string path)
    {
        Span<byte> buffer = stackalloc byte[StatxBytes];
        buffer.Clear();
        return OperatingSystem.IsLinux() && Statx(CurrentFolder, path, 0, InodeMask, ref MemoryMarshal.GetReference(buffer)) == 0
            ? (BinaryPrimitives.ReadUInt64LittleEndian(buffer[DeviceOffset..]), BinaryPrimitives.ReadUInt64LittleEndian(buffer[InodeOffset..]))
            : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte buffer);
}
