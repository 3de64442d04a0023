using System.Diagnostics;
using BitVla.Format;
using BitVla.TestKit;

namespace BitVla.Model.Tests.Text;

/// <summary>The real vocabulary in a packed model, fetched on first use by tests/tools/fetch-llama3.sh.</summary>
public sealed class Llama3Vocabulary : IDisposable
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Fetches and packs the vocabulary.</summary>
    public Llama3Vocabulary()
    {
        string path = Path.Combine(Repository.Root, "artifacts", "llama3", "vocabulary.json");
        if (!File.Exists(path))
        {
            Fetch();
        }

        Content = TokenizerJson.ReadLlama3(path);
        Model = TinyModel.Open(Content, imageSize: 224, cameras: 2);
    }

    /// <summary>What was packed.</summary>
    public TokenizerContent Content { get; }

    /// <summary>A model of two cameras with 256 patches each.</summary>
    public PackedModel Model { get; }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private static void Fetch()
    {
        string script = Path.Combine(Repository.Root, "tests", "tools", "fetch-llama3.sh");
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", [script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(FetchTimeout))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{script} did not end within {FetchTimeout}.");
        }

        Assert.True(
            process.ExitCode == 0,
            $"{script} could not fetch the Llama-3 vocabulary (npm and node are needed):\n{output.Result}{errors.Result}");
    }
}
