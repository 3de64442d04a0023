namespace BitVla.Format.Tests;

public sealed class AtomicFileTests : IDisposable
{
    // Above any pid_max of Linux, which is 2^22.
    private const int NoProcess = 99_999_999;

    private readonly string folder = Directory.CreateTempSubdirectory("bitvla-atomic-").FullName;

    private string Target => Path.Combine(folder, "model");

    public void Dispose()
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void AtomicFile_LeftoversOfDeadWriters_GoAndAllElseStays()
    {
        // This process's own number counts as dead: in a container every program is number 1.
        string[] dead = [$"{Target}.{NoProcess}.tmp", $"{Target}.{Environment.ProcessId}.tmp"];
        string[] kept = [$"{Target}.1.tmp", $"{Target}.old.tmp", $"{Target}.-5.tmp", $"{Target}.tmp", $"{Target}2.{NoProcess}.tmp", $"{Target}.{NoProcess}"];
        foreach (string file in dead.Concat(kept))
        {
            File.WriteAllText(file, "old");
        }

        using (var written = new AtomicFile(Target))
        {
            written.Stream.Write("new"u8);
            written.Commit();
        }

        Assert.Equal(kept.Append(Target).Order(StringComparer.Ordinal), Directory.GetFiles(folder).Order(StringComparer.Ordinal));
        Assert.Equal("new", File.ReadAllText(Target));
    }

    // A writer in another container: its number means nothing here, its lock does.
    [Fact]
    public void AtomicFile_LeftoverThatIsLocked_Stays()
    {
        string locked = $"{Target}.{NoProcess}.tmp";
        using var writer = new FileStream(locked, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        using var other = new AtomicFile(Target);
        Assert.True(File.Exists(locked));
    }

    [Fact]
    public void AtomicFile_LinkUnderTheTemporaryName_IsNotFollowed()
    {
        string victim = Path.Combine(folder, "victim");
        File.WriteAllText(victim, "precious");
        File.CreateSymbolicLink($"{Target}.{Environment.ProcessId}.tmp", victim);
        using (var written = new AtomicFile(Target))
        {
            written.Stream.Write("new"u8);
            written.Commit();
        }

        Assert.Equal("precious", File.ReadAllText(victim));
    }

    [Fact]
    public void AtomicFile_SecondWriterOfTheTarget_IsRefusedAndTheFirstGoesOn()
    {
        using var first = new AtomicFile(Target);
        first.Stream.Write("first"u8);
        for (int i = 0; i < 2; i++)
        {
            var refusal = Assert.Throws<ArtifactException>(() => new AtomicFile(Target));
            Assert.Equal((ArtifactError.Unreadable, "output"), (refusal.Error, refusal.Field));
        }

        first.Commit();
        Assert.Equal("first", File.ReadAllText(Target));
    }

    [Fact]
    public void OutputStream_FullDisk_IsATypedErrorFromEveryCall()
    {
        using var file = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 4096);
        var stream = new OutputStream(file, "x");
        foreach (Action call in (Action[])[() => stream.Write(new byte[10_000]), () => FillAndThen(stream.Flush), () => FillAndThen(stream.Dispose)])
        {
            var refusal = Assert.Throws<ArtifactException>(call);
            Assert.Equal((ArtifactError.Unreadable, "x", "output"), (refusal.Error, refusal.File, refusal.Field));
        }

        void FillAndThen(Action call)
        {
            stream.Write("few bytes"u8);
            call();
        }
    }

    [Fact]
    public void AtomicFile_FolderGoneBeforeTheEnd_IsATypedErrorAndDisposeIsSilent()
    {
        using var written = new AtomicFile(Target);
        written.Stream.Write("new"u8);
        Directory.Delete(folder, recursive: true);
        var refusal = Assert.Throws<ArtifactException>(written.Commit);
        Assert.Equal((ArtifactError.Unreadable, "output"), (refusal.Error, refusal.Field));
    }
}
