using System.Runtime.InteropServices;

namespace BitVla.Format;

/// <summary>fsync of a folder, which makes a rename in it survive power loss; .NET has no call for it.</summary>
internal static partial class DurableFolder
{
    // O_DIRECTORY | O_CLOEXEC | O_RDONLY, whose values differ between x86-64 and arm64.
    private static readonly int OpenFlags = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x84000 : 0x90000;

    public static void Sync(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        int descriptor = Open(folder, OpenFlags);
        if (descriptor >= 0)
        {
            _ = Fsync(descriptor);
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
