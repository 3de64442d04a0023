namespace BitVla.Packing;

/// <summary>Guards against targets that a rename would destroy.</summary>
internal static class OutputPath
{
    /// <summary>Refuses folders, and entries of /dev: the rename that ends a write would put a file in a device's place.</summary>
    /// <exception cref="UsageException">The path is one of these.</exception>
    public static void Check(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            throw new UsageException($"{path} is a folder; name a file.");
        }

        if (Path.GetDirectoryName(full) == "/dev")
        {
            throw new UsageException($"{path} is a device; name a file.");
        }
    }
}
