using System.CommandLine;
using System.Globalization;
using BitVla.Contracts;
using BitVla.Model;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad bench</c>: time, rate and memory of each stage on this board.</summary>
internal static class BenchCommand
{
    private const int PolicyImageSide = 224;

    public static Command Create(CancellationToken stop)
    {
        var model = new Option<string>("--model") { Description = "Packed model file.", Required = true };
        var passes = new Option<int>("--passes") { Description = "Passes to time, after one that warms up.", DefaultValueFactory = _ => 3 };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("bench", "Times whole passes on pictures of noise and prints seconds and GMAC/s a stage (the best pass).")
        {
            model, passes, json, EngineOptions.Threads, EngineOptions.Kernel,
        };
        command.SetAction(parse =>
        {
            int count = parse.GetValue(passes);
            if (count is < 1 or > 10_000)
            {
                throw new UsageException($"--passes: expected 1 to 10000, found {count}");
            }

            return Run(parse.GetValue(model)!, EngineOptions.Read(parse), count, parse.GetValue(json), stop);
        });
        return command;
    }

    private static int Run(string file, PolicyOptions options, int passes, bool json, CancellationToken stop)
    {
        var keys = SelectFirstKey(file);
        using var policy = BitVlaPolicy.Load(file, options with { UnnormKey = keys }, stop);
        var description = policy.Description;
        var chunk = new ActionChunk(description.ChunkLength, description.ActionDim);
        var observation = Noise(description);
        var resident = new long[Enum.GetValues<Stage>().Length];
        policy.Timings.StageEnded = stage => resident[(int)stage] = ProcessMemory.ResidentBytes;
        policy.Predict(observation, chunk, stop);
        policy.Timings.StageEnded = null;
        var best = new double[Enum.GetValues<Stage>().Length];
        Array.Fill(best, double.PositiveInfinity);
        double bestTotal = double.PositiveInfinity;
        for (int pass = 0; pass < passes; pass++)
        {
            policy.Predict(observation, chunk, stop);
            if (policy.Timings.Total.TotalSeconds < bestTotal)
            {
                bestTotal = policy.Timings.Total.TotalSeconds;
                foreach (var stage in Enum.GetValues<Stage>())
                {
                    best[(int)stage] = policy.Timings[stage].TotalSeconds;
                }
            }
        }

        Print(policy, chunk, best, bestTotal, resident, passes, json);
        return ExitCode.Ok;
    }

    private static string SelectFirstKey(string file)
    {
        using var model = Format.PackedModel.Open(file);
        return model.Manifest.Statistics.Count > 0 ? model.Manifest.Statistics[0].Name : "";
    }

    private static Observation Noise(PolicyDescription description)
    {
        // A linear congruence: any picture does, the same one everywhere.
        uint state = 1;
        var frames = description.Cameras.Select(camera =>
        {
            var rgb = new byte[PolicyImageSide * PolicyImageSide * 3];
            for (int i = 0; i < rgb.Length; i++)
            {
                state = state * 1664525 + 1013904223;
                rgb[i] = (byte)(state >> 24);
            }

            return new CameraFrame(camera, PolicyImageSide, PolicyImageSide, rgb);
        }).ToArray();
        return new Observation(frames, new double[description.ProprioDim], "pick up the black bowl and place it on the plate");
    }

    private static void Print(BitVlaPolicy policy, ActionChunk chunk, double[] best, double total, long[] resident, int passes, bool json)
    {
        var work = OperationCount.For(policy.Model.Manifest.Geometry, chunk.SequenceLength);
        var description = policy.Description;
        if (json)
        {
            JsonOutput.Print(writer =>
            {
                writer.WriteString("model_id", description.ModelId);
                writer.WriteString("kernel", description.Kernel);
                writer.WriteNumber("threads", description.Threads);
                writer.WriteNumber("passes", passes);
                writer.WriteNumber("sequence_length", chunk.SequenceLength);
                writer.WriteStartObject("stages");
                foreach (var stage in Enum.GetValues<Stage>())
                {
                    writer.WriteStartObject(stage.ToString().ToLowerInvariant());
                    writer.WriteNumber("seconds", Math.Round(best[(int)stage], 6));
                    writer.WriteNumber("gmac", work[stage]);
                    writer.WriteNumber("resident_bytes", resident[(int)stage]);
                    writer.WriteEndObject();
                }

                writer.WriteEndObject();
                writer.WriteNumber("seconds", Math.Round(total, 6));
                writer.WriteNumber("peak_resident_bytes", ProcessMemory.PeakResidentBytes);
            });
            return;
        }

        Console.WriteLine($"kernel {description.Kernel}, {description.Threads} threads, S = {chunk.SequenceLength}, best of {passes}");
        foreach (var stage in Enum.GetValues<Stage>())
        {
            double seconds = best[(int)stage];
            string rate = work[stage] > 0 ? string.Create(CultureInfo.InvariantCulture, $"{work[stage],9:F2} GMAC {work[stage] / seconds,8:F1} GMAC/s") : new string(' ', 30);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {stage.ToString().ToLowerInvariant(),-10} {seconds,8:F3} s {rate} {resident[(int)stage] / 1e6,7:F0} MB resident"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {"total",-10} {total,8:F3} s"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"memory {ProcessMemory.PeakResidentBytes / 1e6:F0} MB resident at peak, of which {policy.ArenaBytes / 1e6:F0} MB arena (reserved)"));
    }
}
