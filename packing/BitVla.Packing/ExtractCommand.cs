using System.CommandLine;
using System.Runtime.InteropServices;
using BitVla.Format;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Packing;

/// <summary><c>bitvla-pack extract</c>: one tensor, de-quantised, as safetensors.</summary>
internal static class ExtractCommand
{
    private const int PieceBytes = 1 << 22;

    /// <summary>Creates the verb.</summary>
    public static Command Create()
    {
        var command = new Command("extract", "Write one tensor, de-quantised, as a safetensors file.");
        command.Teach(
            """
            Ternary matrices become fp32 [N, K], digit times gain; bf16 matrices [N, K] leave their panels but keep their bits;
            all others are copied. Names are those of inspect. A fused matrix comes whole, or one part of it with --part.
            An output file that is there is replaced, once the new one is whole; only the model itself is refused.

            Examples:
              bitvla-pack extract model.bitvla --tensor blk.0.attn_qkv.weight --part k -o k.safetensors
              bitvla-pack extract model.bitvla --tensor action.fc2.weight -o head.safetensors
            """);
        var file = new Argument<string>("file") { Description = "Packed file.", HelpName = "FILE" };
        var tensor = new Option<string>("--tensor") { Description = "Name of the tensor.", Required = true, HelpName = "NAME" };
        var part = new Option<string?>("--part") { Description = "Part of a fused matrix: q, k, v, gate or up." };
        part.AcceptOnlyFromAmong("q", "k", "v", "gate", "up");
        var output = new Option<string>("--output", "-o") { Description = "File to write.", Required = true, HelpName = "FILE" };
        command.Arguments.Add(file);
        command.Options.Add(tensor);
        command.Options.Add(part);
        command.Options.Add(output);
        var json = Verb.JsonOption();
        command.SetBody(json, (parse, cancellation) =>
        {
            using var model = PackedModel.Open(parse.GetValue(file)!);
            var entry = Extract(model, parse.GetValue(tensor)!, parse.GetValue(part), parse.GetValue(output)!, cancellation);
            Report(parse.InvocationConfiguration.Output, parse.GetValue(json), parse.GetValue(output)!, entry);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>Writes a tensor and says how it was written. Its checksum is verified first.</summary>
    /// <exception cref="UsageException">There is no such tensor or part, or the output is the model.</exception>
    public static SafetensorsEntry Extract(PackedModel model, string name, string? part, string output, CancellationToken cancellation)
    {
        var tensors = model.Document.Tensors;
        int index = tensors.Select(t => t.Name).ToList().IndexOf(name);
        if (index < 0)
        {
            throw new UsageException($"{model.File} has no tensor {name}; inspect lists them.");
        }

        FileIdentity.RefuseInput(output, [model.File], "the model itself");
        model.CheckXxh3(index, cancellation);
        var tensor = tensors[index];
        var geometry = model.Manifest.Geometry;
        var matrix = LogicalMatrix.Of(geometry, TensorPlan.For(geometry)[index]);
        var segments = matrix?.Segments.Where(s => part is null || s.Part == part).ToArray() ?? [];
        if (part is not null && segments.Length == 0)
        {
            string parts = string.Join(", ", matrix?.Segments.Select(s => s.Part).Where(p => p.Length > 0) ?? []);
            throw new UsageException($"{name} has no part {part}{(parts.Length > 0 ? $"; it has {parts}" : "")}.");
        }

        string type = tensor.Type switch { GgufTensorType.BF16 => "BF16", GgufTensorType.I64 => "I64", _ => "F32" };
        long[] shape = matrix is null ? [.. tensor.Dimensions.Reverse()] : [segments.Sum(s => s.Rows), matrix.K];
        var entry = new SafetensorsEntry(part is null ? name : $"{name}.{part}", type, shape);
        using var writer = new SafetensorsWriter(output, [entry]);
        if (matrix is null)
        {
            Copy(model, tensor, writer, cancellation);
        }
        else
        {
            foreach (var segment in segments)
            {
                WriteRows(model, tensor, matrix, segment, writer, cancellation);
            }
        }

        writer.Commit();
        return entry;
    }

    private static void Copy(PackedModel model, GgufTensor tensor, SafetensorsWriter writer, CancellationToken cancellation)
    {
        for (long at = 0; at < tensor.Bytes; at += PieceBytes)
        {
            cancellation.ThrowIfCancellationRequested();
            writer.Append(model.Bytes(tensor, at, (int)Math.Min(PieceBytes, tensor.Bytes - at)));
        }
    }

    private static void WriteRows(
        PackedModel model,
        GgufTensor tensor,
        LogicalMatrix matrix,
        MatrixSegment segment,
        SafetensorsWriter writer,
        CancellationToken cancellation)
    {
        var stored = model.Bytes(tensor, 0, checked((int)tensor.Bytes));
        var bits = new ushort[matrix.K];
        var trits = new sbyte[matrix.K];
        var values = new float[matrix.K];
        float gain = tensor.Type == GgufTensorType.I8 ? Gain(model, tensor, matrix, segment, cancellation) : 1;
        for (int row = segment.First; row < segment.First + segment.Rows; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (tensor.Type == GgufTensorType.BF16)
            {
                DenseLayout.DecodeRow(MemoryMarshal.Cast<byte, ushort>(stored), row, bits);
                writer.Append(MemoryMarshal.AsBytes(bits.AsSpan()));
                continue;
            }

            TernaryLayout.DecodeRow(stored, row, matrix.N, trits);
            for (int k = 0; k < values.Length; k++)
            {
                values[k] = trits[k] * gain;
            }

            writer.Append(MemoryMarshal.AsBytes(values.AsSpan()));
        }
    }

    private static float Gain(
        PackedModel model, GgufTensor tensor, LogicalMatrix matrix, MatrixSegment part, CancellationToken cancellation)
    {
        string name = tensor.Name[..^"weight".Length] + "scale";
        var scale = model.Tensor(name);
        model.CheckXxh3(model.Document.Tensors.ToList().IndexOf(scale), cancellation);
        int index = matrix.Segments.ToList().IndexOf(part);
        return MemoryMarshal.Cast<byte, float>(model.Bytes(scale, 0, (int)scale.Bytes))[index];
    }

    private static void Report(TextWriter console, bool json, string output, SafetensorsEntry entry)
    {
        if (!json)
        {
            console.WriteLine($"{output}: {entry.Name} {entry.Type} [{string.Join(", ", entry.Shape)}]");
            return;
        }

        console.WriteJson(j =>
        {
            j.WriteString("file", output);
            j.WriteString("tensor", entry.Name);
            j.WriteString("dtype", entry.Type);
            j.WriteStartArray("shape");
            foreach (long size in entry.Shape)
            {
                j.WriteNumberValue(size);
            }

            j.WriteEndArray();
        });
    }
}
