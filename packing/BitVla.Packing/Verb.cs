using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using BitVla.Format;

namespace BitVla.Packing;

/// <summary>What all verbs share: the <c>--json</c> option, exit codes for what goes wrong, and Ctrl-C.</summary>
internal static class Verb
{
    // Output goes to people and jq, never into HTML.
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A fresh <c>--json</c> option.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "Write one JSON object to standard output instead of text." };

    /// <summary>Makes a verb run <paramref name="body"/>, which may throw, and turns what it throws into message and exit code.</summary>
    public static void SetBody(this Command command, Option<bool> json, Func<ParseResult, CancellationToken, int> body)
    {
        command.Options.Add(json);

        // On a thread of its own, so that Ctrl-C cancels the token and finally-blocks remove the temporary file.
        command.SetAction((parse, cancellation) =>
            Task.Run(
                () => Guard(parse.InvocationConfiguration, parse.GetValue(json), () => body(parse, cancellation)), CancellationToken.None));
    }

    /// <summary>Writes a JSON object to standard output.</summary>
    public static void WriteJson(this TextWriter output, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    /// <summary>Writes the fields of an error into the object that is open.</summary>
    public static void WriteError(Utf8JsonWriter json, ArtifactException e)
    {
        json.WriteString("code", e.Error.ToString());
        json.WriteString("file", e.File);
        json.WriteString("field", e.Field);
        if (e.Offset is { } offset)
        {
            json.WriteNumber("offset", offset);
        }
        else
        {
            json.WriteNull("offset");
        }

        json.WriteString("expected", e.Expected);
        json.WriteString("found", e.Found);
    }

    private static int Guard(InvocationConfiguration console, bool json, Func<int> body)
    {
        try
        {
            return body();
        }
        catch (ArtifactException e)
        {
            if (json)
            {
                console.Output.WriteJson(j =>
                {
                    j.WriteStartObject("error");
                    WriteError(j, e);
                    j.WriteEndObject();
                });
            }
            else
            {
                console.Error.WriteLine($"bitvla-pack: {e.Message}");
            }

            // An output folder that cannot be written is the caller's to mend; no model is at fault.
            return e is { Error: ArtifactError.Unreadable, Field: "output" } ? ExitCodes.Usage : ExitCodes.ModelInvalid;
        }
        catch (UsageException e)
        {
            return Fail(console, json, "Usage", e.Message, ExitCodes.Usage);
        }
        catch (OperationCanceledException)
        {
            return Fail(console, json, "Cancelled", "cancelled; nothing was left behind", ExitCodes.Cancelled);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(console, json, "Io", e.Message, ExitCodes.Internal);
        }
#pragma warning disable CA1031 // The last resort of the program: whatever it is, it ends with 70 and its trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Fail(console, json, "Internal", e.ToString(), ExitCodes.Internal);
        }
    }

    private static int Fail(InvocationConfiguration console, bool json, string code, string message, int exit)
    {
        if (json)
        {
            console.Output.WriteJson(j =>
            {
                j.WriteStartObject("error");
                j.WriteString("code", code);
                j.WriteString("message", message);
                j.WriteEndObject();
            });
        }
        else
        {
            console.Error.WriteLine($"bitvla-pack: {message}");
        }

        return exit;
    }
}
