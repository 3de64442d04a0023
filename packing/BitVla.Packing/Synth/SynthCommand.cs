using System.CommandLine;
using System.Globalization;
using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary><c>bitvla-pack synth</c>: a random model at any dimensions.</summary>
internal static class SynthCommand
{
    private const string Lesson =
        """
        A preset gives the dimensions, options change single ones:
          tiny       224-pixel images, 3 + 3 layers, about 3 MB
          awkward    56-pixel images and the sizes that trip kernels (4304, head widths 72 and 128)
          bitvla-3b  the released shape: 26 + 30 layers, 1.43 GB

        The same seed and dimensions give the same bytes on every machine. The tokenizer holds the words of the prompt
        and of the forty LIBERO instructions as single tokens. The un-normalisation key is "synthetic".

        Files that are there are replaced, each once the new one is whole.

        Examples:
          bitvla-pack synth -o tiny.bitvla
          bitvla-pack synth -o real-size.bitvla --preset bitvla-3b --seed 7
          bitvla-pack synth -o still.bitvla --head-bias 0,0,0,0,0,0,1
          bitvla-pack synth --checkpoint folder --preset tiny
        """;

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var command = new Command("synth", "Write a random ternary model, for tests, benchmarks and first steps without a checkpoint.");
        command.Teach(Lesson);
        var output = new Option<string?>("--output", "-o") { Description = "Packed file to write.", HelpName = "FILE" };
        var checkpoint = new Option<string?>("--checkpoint")
        {
            Description = "Write a checkpoint in the authors' layout instead, into this folder.",
            HelpName = "DIR",
        };
        var preset = new Option<string>("--preset") { Description = "Known dimensions.", DefaultValueFactory = _ => SynthPresets.Tiny };
        preset.AcceptOnlyFromAmong(SynthPresets.Names);
        var seed = new Option<ulong>("--seed") { Description = "Seed of all weights.", DefaultValueFactory = _ => 1 };
        var name = new Option<string?>("--name") { Description = "Name in the file; otherwise synth-PRESET." };
        var headBias = new Option<string?>("--head-bias")
        {
            Description = "Comma-separated normalised actions; the head then outputs these whatever it sees.",
            HelpName = "a1,...,aA",
        };
        var cameras = new Option<int?>("--cameras") { Description = "Number of cameras, 1 to 3." };
        var noProprio = new Option<bool>("--no-proprio") { Description = "No proprioceptive input." };
        var bf16Vision = new Option<bool>("--bf16-vision") { Description = "A bf16 vision tower instead of a ternary one." };
        var lmHead = new Option<bool>("--lm-head") { Description = "An untied lm_head." };
        foreach (var option in (Option[])[output, checkpoint, preset, seed, name, headBias, cameras, noProprio, bf16Vision, lmHead])
        {
            command.Options.Add(option);
        }

        var dimensions = new Dimensions(command);
        var json = Verb.JsonOption();
        command.SetBody(json, (parse, cancellation) =>
        {
            string? file = parse.GetValue(output);
            string? folder = parse.GetValue(checkpoint);
            if (file is null == folder is null)
            {
                throw new UsageException("synth needs --output FILE or --checkpoint DIR, and not both.");
            }

            string presetName = parse.GetValue(preset)!;
            var geometry = dimensions.Apply(parse, SynthPresets.Geometry(presetName));
            geometry = geometry with
            {
                Cameras = parse.GetValue(cameras) is { } count ? SynthPresets.Cameras(count) : geometry.Cameras,
                ProprioDim = parse.GetValue(noProprio) ? 0 : geometry.ProprioDim,
                VisionTernary = !parse.GetValue(bf16Vision),
                HasLmHead = parse.GetValue(lmHead),
            };
            ulong seedValue = parse.GetValue(seed);
            string modelName = parse.GetValue(name) ?? $"synth-{presetName}";
            var model = new SynthModel(modelName, geometry, seedValue, ParseActions(parse.GetValue(headBias)));
            if (folder is not null)
            {
                CheckpointWriter.Write(model, folder, cancellation);
                Report(parse.InvocationConfiguration.Output, parse.GetValue(json), folder, null, presetName, seedValue);
                return ExitCodes.Ok;
            }

            string id = model.Write(file!, cancellation);
            Report(parse.InvocationConfiguration.Output, parse.GetValue(json), file!, id, presetName, seedValue);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Report(TextWriter console, bool json, string path, string? id, string preset, ulong seed)
    {
        long bytes = id is null ? new DirectoryInfo(path).EnumerateFiles().Sum(f => f.Length) : new FileInfo(path).Length;
        if (!json)
        {
            string model = id is null ? "" : $", model {id}";
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {bytes} bytes, preset {preset}, seed {seed}{model}"));
            return;
        }

        console.WriteJson(j =>
        {
            j.WriteString(id is null ? "folder" : "file", path);
            j.WriteNumber("bytes", bytes);
            if (id is not null)
            {
                j.WriteString("model_id", id);
            }

            j.WriteString("preset", preset);
            j.WriteNumber("seed", seed);
        });
    }

    private static float[]? ParseActions(string? text) => text is null
        ? null
        : Array.ConvertAll(text.Split(','), part => float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
            ? value
            : throw new UsageException($"--head-bias: \"{part}\" is not a number."));

    /// <summary>One option a dimension.</summary>
    private sealed class Dimensions
    {
        private readonly List<(Option<int?> Option, Func<ModelGeometry, int, ModelGeometry> Set)> all = [];

        public Dimensions(Command command)
        {
            Add("--image-size", "Side of the model image, pixels.", (g, v) => g with { ImageSize = v });
            Add("--patch-size", "Side of a patch, pixels.", (g, v) => g with { PatchSize = v });
            Add("--vision-width", "Vision width.", (g, v) => g with { VisionWidth = v });
            Add("--vision-ffn", "Vision feed-forward width.", (g, v) => g with { VisionFeedForward = v });
            Add("--vision-layers", "Vision layers.", (g, v) => g with { VisionLayers = v });
            Add("--vision-heads", "Vision heads.", (g, v) => g with { VisionHeads = v });
            Add("--width", "Decoder width.", (g, v) => g with { Width = v });
            Add("--ffn", "Decoder feed-forward width.", (g, v) => g with { FeedForward = v });
            Add("--layers", "Decoder layers.", (g, v) => g with { Layers = v });
            Add("--heads", "Query heads.", (g, v) => g with { Heads = v });
            Add("--kv-heads", "Key and value heads.", (g, v) => g with { KvHeads = v });
            Add("--vocab-rows", $"Rows of the embedding table, at least {SynthTokenizer.LeastRows}.", (g, v) => g with { VocabRows = v });
            Add("--action-dim", "Values of an action.", (g, v) => g with { ActionDim = v });
            Add("--chunk-length", "Actions of a chunk.", (g, v) => g with { ChunkLength = v });
            Add("--head-blocks", "Residual blocks of the action head.", (g, v) => g with { HeadBlocks = v });
            Add("--proprio-dim", "Proprioceptive values.", (g, v) => g with { ProprioDim = v });
            foreach (var (option, _) in all)
            {
                command.Options.Add(option);
            }
        }

        public ModelGeometry Apply(ParseResult parse, ModelGeometry geometry)
        {
            foreach (var (option, set) in all)
            {
                if (parse.GetValue(option) is { } value)
                {
                    geometry = set(geometry, value);
                }
            }

            return geometry;
        }

        private void Add(string name, string description, Func<ModelGeometry, int, ModelGeometry> set) =>
            all.Add((new Option<int?>(name) { Description = description, HelpName = "N" }, set));
    }
}
