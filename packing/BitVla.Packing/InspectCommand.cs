using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using BitVla.Format;

namespace BitVla.Packing;

/// <summary><c>bitvla-pack inspect</c>: what is in a packed file.</summary>
internal static class InspectCommand
{
    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var command = new Command("inspect", "Show what is in a packed file.");
        command.Teach(
            """
            Shows name and id, dimensions, prompt, un-normalisation keys, bytes of each component, bits of a weight, the share of -1, 0 and
            +1, and all tensors with type, stored sizes (fastest first), offset and length. Only the directory must be sound: files
            whose tensors are damaged can be inspected, and verify says what is wrong with them.

            Examples:
              bitvla-pack inspect model.bitvla
              bitvla-pack inspect model.bitvla --json | jq '.components'
            """);
        var file = new Argument<string>("file") { Description = "Packed file.", HelpName = "FILE" };
        command.Arguments.Add(file);
        var json = Verb.JsonOption();
        command.SetBody(json, (parse, cancellation) =>
        {
            using var model = PackedModel.Open(parse.GetValue(file)!);
            InspectReport report;
            using (var progress = new ProgressLine("counting", model.Length))
            {
                report = new InspectReport(model, progress.Report, cancellation);
            }

            var output = parse.InvocationConfiguration.Output;
            if (parse.GetValue(json))
            {
                output.WriteJson(j => WriteJson(j, model, report));
            }
            else
            {
                output.Write(Text(model, report));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static IEnumerable<(string Name, long Value)> Dimensions(ModelGeometry g) =>
    [
        ("image_size", g.ImageSize), ("patch_size", g.PatchSize), ("patches", g.Patches), ("vision_width", g.VisionWidth),
        ("vision_feed_forward", g.VisionFeedForward), ("vision_layers", g.VisionLayers), ("vision_heads", g.VisionHeads),
        ("width", g.Width), ("feed_forward", g.FeedForward), ("layers", g.Layers), ("heads", g.Heads), ("kv_heads", g.KvHeads),
        ("head_dim", g.HeadDim), ("vocab_rows", g.VocabRows), ("chunk_length", g.ChunkLength), ("action_dim", g.ActionDim),
        ("head_blocks", g.HeadBlocks), ("proprio_dim", g.ProprioDim), ("max_sequence", g.MaxSequence),
    ];

    private static string Text(PackedModel model, InspectReport report)
    {
        var m = model.Manifest;
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(TerminalText.Clean(line.ToString(CultureInfo.InvariantCulture).TrimEnd()));
        Line($"{model.File}: {m.Name}");
        Line($"model id     {model.ModelId}");
        Line($"packed by    {m.Packer}");
        Line($"sources      {(m.SourceFiles.Count == 0 ? "none" : string.Join(", ", m.SourceFiles))}");
        Line($"length       {model.Length} bytes, {report.Parameters} parameters, {report.BitsPerParameter:F3} bits each");
        Line($"vision       {(m.Geometry.VisionTernary ? "ternary" : "bf16")}");
        Line($"cameras      {string.Join(", ", m.Geometry.Cameras.Select(c => c.Rotate180 ? $"{c.Name} (turned by 180°)" : c.Name))}");
        Line($"gripper      {m.GripperConvention}");
        Line($"unnorm keys  {string.Join(", ", m.Statistics.Select(s => s.Name))}");
        Line($"prompt       \"{m.PromptTemplate}\"");
        Line($"tokenizer    {model.Tokenizer.Count} ids, {model.Tokenizer.MergeCount} merges");
        text.AppendLine().AppendLine("dimensions");
        foreach (var (name, value) in Dimensions(m.Geometry))
        {
            Line($"  {name,-20} {value,8}");
        }

        text.AppendLine().AppendLine("bytes");
        foreach (string component in InspectReport.Components)
        {
            Line($"  {component,-20} {report.BytesOf[component],12} {100.0 * report.BytesOf[component] / model.Length,6:F2} %");
        }

        var h = report.Histogram;
        text.AppendLine();
        Line($"ternary weights {h.Total}, {report.BitsPerTernaryWeight:F4} bits each: {Shares(h)}");
        if (h.IllegalCodes > 0)
        {
            Line($"ILLEGAL CODES {h.IllegalCodes}: the file is damaged, see verify");
        }

        text.AppendLine().AppendLine("tensors");
        foreach (var t in report.Tensors)
        {
            string counted = t.Histogram is { } histogram ? Shares(histogram) : "";
            Line($"  {t.Tensor.Name,-32} {t.Tensor.Type,-4} {t.Tensor.Shape,-20} {t.Tensor.Offset,11} {t.Tensor.Bytes,10}  {counted}");
        }

        return text.ToString();

        static string Shares(TernaryHistogram h)
        {
            double Share(long count) => 100.0 * count / Math.Max(1, h.Total);
            FormattableString text = $"-1 {Share(h.Minus):F2} %, 0 {Share(h.Zero):F2} %, +1 {Share(h.Plus):F2} %";
            return text.ToString(CultureInfo.InvariantCulture);
        }
    }

    private static void WriteJson(Utf8JsonWriter j, PackedModel model, InspectReport report)
    {
        var m = model.Manifest;
        j.WriteString("file", model.File);
        j.WriteString("name", m.Name);
        j.WriteString("model_id", model.ModelId);
        j.WriteString("packer", m.Packer);
        WriteStrings(j, "source_files", m.SourceFiles);
        j.WriteNumber("bytes", model.Length);
        j.WriteNumber("parameters", report.Parameters);
        j.WriteNumber("bits_per_parameter", report.BitsPerParameter);
        j.WriteNumber("bits_per_ternary_weight", report.BitsPerTernaryWeight);
        j.WriteStartObject("dimensions");
        foreach (var (name, value) in Dimensions(m.Geometry))
        {
            j.WriteNumber(name, value);
        }

        j.WriteEndObject();
        j.WriteBoolean("vision_ternary", m.Geometry.VisionTernary);
        j.WriteBoolean("lm_head", m.Geometry.HasLmHead);
        j.WriteStartArray("cameras");
        foreach (var camera in m.Geometry.Cameras)
        {
            j.WriteStartObject();
            j.WriteString("name", camera.Name);
            j.WriteBoolean("rotate180", camera.Rotate180);
            j.WriteEndObject();
        }

        j.WriteEndArray();
        j.WriteString("gripper_convention", m.GripperConvention);
        j.WriteString("prompt", m.PromptTemplate);
        j.WriteStartObject("tokenizer");
        j.WriteNumber("ids", model.Tokenizer.Count);
        j.WriteNumber("merges", model.Tokenizer.MergeCount);
        j.WriteEndObject();
        WriteStrings(j, "unnorm_keys", m.Statistics.Select(s => s.Name));
        j.WriteStartObject("components");
        foreach (string component in InspectReport.Components)
        {
            j.WriteNumber(component, report.BytesOf[component]);
        }

        j.WriteEndObject();
        WriteHistogram(j, report.Histogram);
        j.WriteStartArray("tensors");
        foreach (var t in report.Tensors)
        {
            WriteTensor(j, t);
        }

        j.WriteEndArray();
    }

    private static void WriteTensor(Utf8JsonWriter j, InspectedTensor t)
    {
        j.WriteStartObject();
        j.WriteString("name", t.Tensor.Name);
        j.WriteString("component", t.Component);
        j.WriteString("type", t.Tensor.Type.ToString());
        j.WriteStartArray("stored_shape");
        foreach (long size in t.Tensor.Dimensions)
        {
            j.WriteNumberValue(size);
        }

        j.WriteEndArray();
        if (t.Matrix is { } matrix)
        {
            j.WriteNumber("n", matrix.N);
            j.WriteNumber("k", matrix.K);
        }

        j.WriteNumber("offset", t.Tensor.Offset);
        j.WriteNumber("bytes", t.Tensor.Bytes);
        if (t.Histogram is { } histogram)
        {
            WriteHistogram(j, histogram);
        }

        j.WriteEndObject();
    }

    private static void WriteHistogram(Utf8JsonWriter j, TernaryHistogram h)
    {
        j.WriteStartObject("ternary_histogram");
        j.WriteNumber("minus", h.Minus);
        j.WriteNumber("zero", h.Zero);
        j.WriteNumber("plus", h.Plus);
        j.WriteNumber("illegal_codes", h.IllegalCodes);
        j.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter j, string name, IEnumerable<string> values)
    {
        j.WriteStartArray(name);
        foreach (string value in values)
        {
            j.WriteStringValue(value);
        }

        j.WriteEndArray();
    }
}
