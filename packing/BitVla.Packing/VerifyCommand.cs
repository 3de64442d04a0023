using System.CommandLine;
using BitVla.Format;

namespace BitVla.Packing;

/// <summary><c>bitvla-pack verify</c>: every byte of a packed file.</summary>
internal static class VerifyCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var command = new Command("verify", "Check every byte of a packed file.");
        command.Teach(
            """
            Checks, in this order: the directory with its checksum, the geometry and the place of every tensor; then for each tensor
            XXH3 and SHA-256, legal ternary codes, weight zero in padding channels, zero in padding outputs, finite numbers, positive
            scales, zero bytes up to the next tensor; for the embedding table also each row's checksum and numbers.

            A failure names the tensor and the byte in the file. Exit code 0 when all is well, 3 when not.

            Examples:
              bitvla-pack verify model.bitvla              stop at the first failure
              bitvla-pack verify model.bitvla --all        list them all
              bitvla-pack verify model.bitvla --json       {"ok": ..., "failures": [...]}
            """);
        var file = new Argument<string>("file") { Description = "Packed file.", HelpName = "FILE" };
        var all = new Option<bool>("--all") { Description = "Go on after the first failure." };
        command.Arguments.Add(file);
        command.Options.Add(all);
        var json = Verb.JsonOption();
        command.SetBody(json, (parse, cancellation) =>
            Run(parse.InvocationConfiguration, parse.GetValue(file)!, parse.GetValue(all), parse.GetValue(json), cancellation));
        return command;
    }

    private static int Run(InvocationConfiguration console, string path, bool all, bool json, CancellationToken cancellation)
    {
        string? id = null;
        int tensors = 0;
        long bytes = 0;
        IReadOnlyList<ArtifactException> failures;
        try
        {
            using var model = PackedModel.Open(path);
            id = model.ModelId;
            tensors = model.Document.Tensors.Count;
            bytes = model.Length;
            using var progress = new ProgressLine("verifying", bytes);
            failures = ModelVerifier.Check(model, all, progress.Report, cancellation);
        }
        catch (ArtifactException broken)
        {
            failures = [broken];
        }

        if (json)
        {
            WriteJson(console.Output, path, id, tensors, bytes, failures);
        }
        else
        {
            foreach (var failure in failures)
            {
                console.Error.WriteLine($"bitvla-pack: {failure.Message}");
            }

            if (failures.Count == 0)
            {
                console.Output.WriteLine($"{path}: all is well: {tensors} tensors, {bytes} bytes, model {id}");
            }
        }

        return failures.Count == 0 ? ExitCodes.Ok : ExitCodes.ModelInvalid;
    }

    private static void WriteJson(
        TextWriter output, string path, string? id, int tensors, long bytes, IReadOnlyList<ArtifactException> failures) =>
        output.WriteJson(j =>
        {
            j.WriteString("file", path);
            j.WriteBoolean("ok", failures.Count == 0);
            j.WriteString("model_id", id);
            j.WriteNumber("tensors", tensors);
            j.WriteNumber("bytes", bytes);
            if (failures.Count > 0)
            {
                j.WriteStartObject("error");
                Verb.WriteError(j, failures[0]);
                j.WriteEndObject();
            }

            j.WriteStartArray("failures");
            foreach (var failure in failures)
            {
                j.WriteStartObject();
                Verb.WriteError(j, failure);
                j.WriteEndObject();
            }

            j.WriteEndArray();
        });
}
