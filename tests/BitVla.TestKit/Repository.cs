namespace BitVla.TestKit;

/// <summary>Finds files of the checkout a test runs in.</summary>
public static class Repository
{
    /// <summary>The folder that holds BitVla.Edge.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path below tests/goldens.</summary>
    public static string Golden(params string[] parts) => Path.Combine([Root, "tests", "goldens", .. parts]);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "BitVla.Edge.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("No folder above the test binary holds BitVla.Edge.sln.");
    }
}
