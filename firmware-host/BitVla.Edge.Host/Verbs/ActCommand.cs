using System.CommandLine;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using BitVla.Contracts;
using BitVla.Model;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad act</c>: one observation in, one action chunk out.</summary>
internal static class ActCommand
{
    private static readonly Option<string> ModelFile = new("--model") { Description = "Packed model file.", Required = true };
    private static readonly Option<string[]> Image = new("--image")
    {
        Description = "NAME=FILE, once a camera in the model's order; PNG or JPEG. 224x224 is taken as already prepared, other sizes go through the whole preparation.",
        Required = true,
    };

    private static readonly Option<string?> State = new("--state") { Description = "Robot state as comma-separated numbers in the checkpoint's layout and units." };
    private static readonly Option<string> Instruction = new("--instruction") { Description = "What to do, in words.", Required = true };
    private static readonly Option<string?> UnnormKey = new("--unnorm-key") { Description = "Dataset whose statistics give the units; not needed when the file has one." };
    private static readonly Option<string?> CenterCrop = new("--center-crop") { Description = "on or off; the file's setting otherwise." };
    private static readonly Option<string[]> Rotate180 = new("--rotate180") { Description = "Camera whose frames stand on their head, as LIBERO's do; repeatable." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON." };
    private static readonly Option<bool> Digest = new("--digest") { Description = "Print a hash of every doorway: the same on every processor, kernel and thread count." };
    private static readonly Option<string?> Trace = new("--trace") { Description = "Write every doorway to this safetensors file." };

    public static Command Create(CancellationToken stop)
    {
        CenterCrop.AcceptOnlyFromAmong("on", "off");
        var command = new Command("act", "Runs one pass on pictures from files and prints the action chunk.")
        {
            ModelFile, Image, State, Instruction, UnnormKey, CenterCrop, Rotate180, Json, Digest, Trace, EngineOptions.Threads, EngineOptions.Kernel,
        };
        command.SetAction(parse => Run(parse, stop));
        return command;
    }

    private static int Run(ParseResult parse, CancellationToken stop)
    {
        bool traced = parse.GetValue(Digest) || parse.GetValue(Trace) is not null;
        var frames = ObservationFiles.ReadFrames(parse.GetValue(Image)!);
        var observation = new Observation(frames, ObservationFiles.ParseState(parse.GetValue(State)), parse.GetValue(Instruction)!);
        var options = EngineOptions.Read(parse) with
        {
            UnnormKey = parse.GetValue(UnnormKey),
            CenterCrop = parse.GetValue(CenterCrop) is { } crop ? crop == "on" : null,
            Rotate180 = parse.GetValue(Rotate180) ?? [],
            Unpruned = traced,
        };
        using var policy = BitVlaPolicy.Load(parse.GetValue(ModelFile)!, options, stop);
        RefuseUnknownCameras(options.Rotate180, policy.Description.Cameras);
        var chunk = new ActionChunk(policy.Description.ChunkLength, policy.Description.ActionDim);
        var trace = traced ? new TraceFile() : null;
        policy.Predict(observation, chunk, trace, stop);
        if (parse.GetValue(Trace) is { } file)
        {
            trace!.Write(file);
        }

        if (parse.GetValue(Json))
        {
            PrintJson(policy, chunk, parse.GetValue(Digest) ? trace : null);
        }
        else
        {
            PrintText(policy, chunk, parse.GetValue(Digest) ? trace : null);
        }

        return ExitCode.Ok;
    }

    private static void RefuseUnknownCameras(IReadOnlyList<string> asked, IReadOnlyList<string> known)
    {
        foreach (string name in asked)
        {
            if (!known.Contains(name))
            {
                throw new UsageException($"--rotate180: expected one of {string.Join(", ", known)}, found {name}");
            }
        }
    }

    /// <summary>XXH3 over the bytes of the normalised and of the un-normalised actions.</summary>
    private static ulong ChunkHash(ActionChunk chunk)
    {
        var hash = new XxHash3();
        hash.Append(MemoryMarshal.AsBytes(chunk.Normalized.Values));
        hash.Append(MemoryMarshal.AsBytes(chunk.Actions));
        return hash.GetCurrentHashAsUInt64();
    }

    private static void PrintJson(BitVlaPolicy policy, ActionChunk chunk, TraceFile? trace) => JsonOutput.Print(writer =>
    {
        var description = policy.Description;
        writer.WriteString("model_id", description.ModelId);
        writer.WriteString("kernel", description.Kernel);
        writer.WriteNumber("threads", description.Threads);
        writer.WriteNumber("sequence_length", chunk.SequenceLength);
        writer.WriteString("unnorm_key", chunk.UnnormKey);
        writer.WriteString("gripper_convention", chunk.GripperConvention);
        writer.WriteString("chunk_xxh3", ChunkHash(chunk).ToString("x16", CultureInfo.InvariantCulture));
        writer.WriteMatrix<float>("normalized_actions", chunk.Normalized.Values, chunk.ActionDim);
        writer.WriteMatrix<double>("actions", chunk.Actions, chunk.ActionDim);
        writer.WriteMatrix<double>("env_actions", chunk.EnvironmentActions, chunk.ActionDim);
        if (trace is not null)
        {
            writer.WriteString("digest", trace.Digest.ToString("x16", CultureInfo.InvariantCulture));
            writer.WriteStartObject("doorways");
            foreach (var (doorway, xxh3) in trace.Digests)
            {
                writer.WriteString(doorway, xxh3.ToString("x16", CultureInfo.InvariantCulture));
            }

            writer.WriteEndObject();
        }

        writer.WriteStartObject("seconds");
        foreach (var stage in Enum.GetValues<Stage>())
        {
            writer.WriteNumber(stage.ToString().ToLowerInvariant(), Math.Round(policy.Timings[stage].TotalSeconds, 6));
        }

        writer.WriteNumber("total", Math.Round(policy.Timings.Total.TotalSeconds, 6));
        writer.WriteEndObject();
        writer.WriteNumber("arena_bytes", policy.ArenaBytes);
        writer.WriteNumber("peak_resident_bytes", ProcessMemory.PeakResidentBytes);
    });

    private static void PrintText(BitVlaPolicy policy, ActionChunk chunk, TraceFile? trace)
    {
        var description = policy.Description;
        var line = string.Create(CultureInfo.InvariantCulture, $"model    {policy.Model.Manifest.Name}, id {description.ModelId[..16]}");
        Console.WriteLine(line);
        Console.WriteLine($"engine   kernel {description.Kernel}, {description.Threads} threads, S = {chunk.SequenceLength} tokens");
        var stages = Enum.GetValues<Stage>().Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.ToString().ToLowerInvariant()} {policy.Timings[s].TotalSeconds:F3}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seconds  {string.Join(", ", stages)}; total {policy.Timings.Total.TotalSeconds:F3}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"memory   {ProcessMemory.PeakResidentBytes / 1e6:F0} MB resident at peak, weights included"));
        Console.WriteLine($"chunk    {chunk.ChunkLength} x {chunk.ActionDim}, key {chunk.UnnormKey}, gripper {chunk.GripperConvention}, bits {ChunkHash(chunk):x16}");
        for (int step = 0; step < chunk.ChunkLength; step++)
        {
            var values = chunk.EnvironmentActions.Slice(step * chunk.ActionDim, chunk.ActionDim).ToArray()
                .Select(v => v.ToString("+0.0000;-0.0000", CultureInfo.InvariantCulture));
            Console.WriteLine($"  {step}  {string.Join("  ", values)}");
        }

        if (trace is not null)
        {
            Console.WriteLine($"digest   {trace.Digest:x16}");
            foreach (var (doorway, xxh3) in trace.Digests)
            {
                Console.WriteLine($"  {xxh3:x16}  {doorway}");
            }
        }
    }
}
