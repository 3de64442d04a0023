using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BitVla.Format;

namespace BitVla.Packing;

/// <summary>The verb <c>pack</c>: a checkpoint folder to one packed file.</summary>
public static class PackCommand
{
    private static readonly Argument<string> Checkpoint = new("checkpoint") { Description = "Checkpoint folder, flat or with lora_adapter/." };

    private static readonly Option<string?> Output = new("--output", "-o") { Description = "File to write." };

    private static readonly Option<int> ChunkLength = new("--chunk-length")
    {
        Description = "Steps of a chunk.",
        DefaultValueFactory = _ => PackOptions.DefaultChunkLength,
    };

    private static readonly Option<string[]> Camera = new("--camera")
    {
        Description = "A camera in model order, NAME or NAME:rotate180; repeat for each. Default: full and wrist.",
    };

    private static readonly Option<string> CenterCrop = new("--center-crop") { Description = "on or off.", DefaultValueFactory = _ => "on" };

    private static readonly Option<string?> Gripper = new("--gripper") { Description = "libero or raw. Default: libero for 7 actions." };

    private static readonly Option<string?> Name = new("--name") { Description = "Name stored in the file. Default: the folder's." };

    private static readonly Option<bool> WithLmHead = new("--with-lm-head")
    {
        Description = "Keep an untied lm_head; also accepts a checkpoint without an action head, for text alone.",
    };

    private static readonly Option<bool> Check = new("--dry-run") { Description = "Compare the folder with the specification's assumptions; write nothing." };

    private static readonly Option<bool> Force = new("--force") { Description = "Replace the output file." };

    private static readonly Option<bool> Json = Verb.JsonOption();

    static PackCommand()
    {
        CenterCrop.AcceptOnlyFromAmong("on", "off");
        Gripper.AcceptOnlyFromAmong(ModelManifest.LiberoGripper, ModelManifest.RawGripper);
        ChunkLength.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int k) || k is < 1 or > 256))
            {
                result.AddError("--chunk-length: expected 1 to 256");
            }
        });
        Camera.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => ParseCamera(token.Value) is null))
            {
                result.AddError($"--camera: expected NAME or NAME:rotate180 with letters, digits, _ and -, found {token.Value}");
            }
        });
    }

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var command = new Command("pack", "Pack a checkpoint folder into one file.")
        {
            Checkpoint, Output, ChunkLength, Camera, CenterCrop, Gripper, Name, WithLmHead, Check, Force,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Output) is null && !result.GetValue(Check))
            {
                result.AddError("pack: expected -o FILE or --dry-run");
            }
        });
        command.SetBody(Json, Run);
        command.Teach(
            """
            The folder holds what the authors' trainer writes: config.json, safetensors in one file or shards, the action head's and the
            proprio projector's .pt files, tokenizer, preprocessor and processor configurations, dataset_statistics.json. Weights and
            config.json may stand in lora_adapter/ below it. Pickles are read by a reader that can build tensors and nothing else.
            With --force an output file that is there is replaced, once the new one is whole; a file of the checkpoint never is.

            Examples:
              bitvla-pack pack ft-bitvla-libero_spatial --dry-run
              bitvla-pack pack ft-bitvla-libero_spatial -o spatial.bitvla --camera full:rotate180 --camera wrist:rotate180
            """);
        return command;
    }

    private static int Run(ParseResult parse, CancellationToken cancellation)
    {
        string[] cameras = parse.GetValue(Camera) ?? [];
        var options = new PackOptions
        {
            ChunkLength = parse.GetValue(ChunkLength),
            Cameras = cameras.Length > 0 ? cameras.Select(c => ParseCamera(c)!).ToArray() : null,
            CenterCrop = parse.GetValue(CenterCrop) == "on",
            Gripper = parse.GetValue(Gripper),
            Name = parse.GetValue(Name),
            WithLmHead = parse.GetValue(WithLmHead),
            Overwrite = parse.GetValue(Force),
        };
        bool json = parse.GetValue(Json);
        string checkpoint = parse.GetValue(Checkpoint)!;
        return parse.GetValue(Check)
            ? Show(DryRun.Of(checkpoint, options), json)
            : Show(Pack(checkpoint, parse.GetValue(Output)!, options, cancellation), json);
    }

    private static PackSummary Pack(string checkpoint, string output, PackOptions options, CancellationToken cancellation)
    {
        using var progress = new Progress();
        return CheckpointPacker.Pack(checkpoint, output, options, progress, cancellation);
    }

    /// <summary>Reads NAME or NAME:rotate180; null when it is neither.</summary>
    internal static CameraSpec? ParseCamera(string text)
    {
        const int MaxName = 64;
        string[] parts = text.Split(':');
        bool valid = parts.Length <= 2 && parts[0].Length is > 0 and <= MaxName && parts[0].All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            && (parts.Length == 1 || parts[1] == "rotate180");
        return valid ? new CameraSpec(parts[0], parts.Length == 2) : null;
    }

    private static int Show(DryRun run, bool json)
    {
        if (json)
        {
            Console.Out.WriteJson(j =>
            {
                j.WriteBoolean("packable", run.IsPackable);
                j.WriteStartArray("items");
                foreach (var item in run.Items)
                {
                    j.WriteStartObject();
                    j.WriteString("state", item.State.ToString());
                    j.WriteString("subject", item.Subject);
                    j.WriteString("expected", item.Expected);
                    j.WriteString("found", item.Found);
                    j.WriteEndObject();
                }

                j.WriteEndArray();
            });
        }
        else
        {
            foreach (var item in run.Items.Where(item => item.State != DryRunState.Agrees))
            {
                Console.Out.WriteLine($"{(item.State == DryRunState.Blocks ? "BLOCKS " : "differs")} {TerminalText.Clean($"{item.Subject}: expected {item.Expected}, found {item.Found}")}");
            }

            int agree = run.Items.Count(item => item.State == DryRunState.Agrees);
            Console.Out.WriteLine($"{agree} of {run.Items.Count} assumptions agree; {(run.IsPackable ? "can be packed" : "cannot be packed")}");
        }

        return run.IsPackable ? ExitCodes.Ok : ExitCodes.ModelInvalid;
    }

    private static int Show(PackSummary summary, bool json)
    {
        var g = summary.Manifest.Geometry;
        if (json)
        {
            Console.Out.WriteJson(j =>
            {
                j.WriteString("file", summary.Path);
                j.WriteString("model_id", summary.ModelId);
                j.WriteNumber("bytes", summary.Bytes);
                j.WriteNumber("tensors", summary.Tensors);
                j.WriteString("name", summary.Manifest.Name);
                j.WriteNumber("chunk_length", g.ChunkLength);
                j.WriteNumber("action_dim", g.ActionDim);
                j.WriteNumber("proprio_dim", g.ProprioDim);
                j.WriteBoolean("lm_head", g.HasLmHead);
                Strings(j, "cameras", g.Cameras.Select(c => c.Rotate180 ? $"{c.Name}:rotate180" : c.Name));
                Strings(j, "unnorm_keys", summary.Manifest.Statistics.Select(s => s.Name));
                Strings(j, "notes", summary.Notes);
            });
        }
        else
        {
            Console.Out.WriteLine($"{summary.Path}: {summary.Bytes} bytes, {summary.Tensors} tensors");
            Console.Out.WriteLine($"model id {summary.ModelId}");
            Console.Out.WriteLine($"{g.Cameras.Count} cameras, {g.ChunkLength} x {g.ActionDim} actions, proprio {g.ProprioDim}, {(g.VisionTernary ? "ternary" : "bf16")} vision");
            foreach (string note in summary.Notes)
            {
                Console.Out.WriteLine($"note: {TerminalText.Clean(note)}");
            }
        }

        return ExitCodes.Ok;
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private sealed class Progress : IProgress<(string Tensor, long Done, long Total)>, IDisposable
    {
        private ProgressLine? line;

        public void Report((string Tensor, long Done, long Total) value)
        {
            line ??= new ProgressLine("packing", value.Total);
            line.Report(value.Done, value.Tensor);
        }

        public void Dispose() => line?.Dispose();
    }
}
