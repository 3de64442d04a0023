using System.Runtime.InteropServices;
using BitVla.Format.Layout;
using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary>Writes a synthetic model in the layout of the authors' checkpoints, for packers and for PyTorch.</summary>
/// <remarks>
/// Ternary matrices become bf16 latents from which the absmean quantiser recovers the very trits of the packed file: zeros lie within a
/// quarter of the unit, others between 0.75 and 2.25 units, and the threshold is near 0.46. Scales differ from the packed file's,
/// for they follow from the mean; all other values are the same. Source: BITVLA.md section 2.
/// </remarks>
internal sealed class CheckpointWriter
{
    // transformers' save_pretrained starts a new file beyond this.
    private const long ShardBytes = 5_000_000_000;
    private const int BatchBytes = 1 << 23;

    // Mean of |latent| in units: 58 % uniform between 0.75 and 2.25, 42 % uniform within ±0.25.
    private const float MeanLatent = 0.58f * 1.5f + 0.42f * 0.125f;

    private readonly SynthModel model;
    private readonly string folder;
    private readonly ModelGeometry geometry;
    private readonly CancellationToken cancellation;
    private readonly Dictionary<string, TensorPlanEntry> plan;
    private readonly List<(SafetensorsEntry Entry, Action<Action<ReadOnlySpan<byte>>> Write)> tensors = [];

    private CheckpointWriter(SynthModel model, string folder, CancellationToken cancellation)
    {
        this.model = model;
        this.folder = folder;
        this.cancellation = cancellation;
        geometry = model.Geometry;
        plan = model.Plan.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>Writes the folder; each file appears when it is whole.</summary>
    public static void Write(SynthModel model, string folder, CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{folder} cannot be created: {cause.Message}");
        }

        var writer = new CheckpointWriter(model, folder, cancellation);
        CheckpointTexts.Write(model, folder);
        writer.WriteSmallArchives();
        writer.AddVision();
        writer.AddDecoder();
        writer.WriteShards();
    }

    private void AddVision()
    {
        const string Prefix = "vision_tower.vision_model.";
        int v = geometry.VisionWidth;
        int patch = geometry.PatchSize;
        Rows($"{Prefix}embeddings.patch_embedding.weight", TensorNames.PatchWeight, "", [v, 3, patch, patch]);
        Floats($"{Prefix}embeddings.patch_embedding.bias", TensorNames.PatchBias, 0, [v]);
        Floats($"{Prefix}embeddings.position_embedding.weight", TensorNames.VisionPosition, 0, [geometry.Patches, v]);
        for (int i = 0; i < geometry.VisionLayers; i++)
        {
            string layer = $"{Prefix}encoder.layers.{i}.";
            int index = i;
            string Packed(string part, string kind) => TensorNames.Vision(index, part, kind);
            void Linear(string name, string part, string segment)
            {
                var rows = Segment(Packed(part, "weight"), segment);
                Rows($"{layer}{name}.weight", Packed(part, "weight"), segment, null);
                Floats($"{layer}{name}.bias", Packed(part, "bias"), rows.First, [rows.Rows]);
            }

            void Norm(string name, string part)
            {
                Floats($"{layer}{name}.weight", Packed(part, "weight"), 0, [v]);
                Floats($"{layer}{name}.bias", Packed(part, "bias"), 0, [v]);
            }

            Linear("self_attn.q_proj", "attn_qkv", "q");
            Linear("self_attn.k_proj", "attn_qkv", "k");
            Linear("self_attn.v_proj", "attn_qkv", "v");
            Linear("self_attn.out_proj", "attn_out", "");
            Linear("mlp.fc1", "ffn_up", "");
            Linear("mlp.fc2", "ffn_down", "");
            Norm("layer_norm1", "ln1");
            Norm("layer_norm2", "ln2");
        }

        Rows("multi_modal_projector.linear_1.weight", TensorNames.ConnectorWeight1, "", null);
        Floats("multi_modal_projector.linear_1.bias", TensorNames.ConnectorBias1, 0, [geometry.Width]);
        Rows("multi_modal_projector.linear_2.weight", TensorNames.ConnectorWeight2, "", null);
        Floats("multi_modal_projector.linear_2.bias", TensorNames.ConnectorBias2, 0, [geometry.Width]);
    }

    private void AddDecoder()
    {
        const string Prefix = "language_model.model.";
        int d = geometry.Width;
        var embedding = model.Tensor(plan[TensorNames.Embedding]);
        int rows = geometry.VocabRows;
        AddRows($"{Prefix}embed_tokens.weight", [rows, d], d * 2, rows, (row, bytes) => embedding.Fill((long)row * d * 2, bytes));
        for (int i = 0; i < geometry.Layers; i++)
        {
            string layer = $"{Prefix}layers.{i}.";
            int index = i;
            string Packed(string part) => TensorNames.Decoder(index, part, "weight");
            Rows($"{layer}self_attn.q_proj.weight", Packed("attn_qkv"), "q", null);
            Rows($"{layer}self_attn.k_proj.weight", Packed("attn_qkv"), "k", null);
            Rows($"{layer}self_attn.v_proj.weight", Packed("attn_qkv"), "v", null);
            Rows($"{layer}self_attn.o_proj.weight", Packed("attn_output"), "", null);
            Floats($"{layer}self_attn.attn_sub_norm.weight", Packed("attn_sub_norm"), 0, [d]);
            Rows($"{layer}mlp.gate_proj.weight", Packed("ffn_gate_up"), "gate", null);
            Rows($"{layer}mlp.up_proj.weight", Packed("ffn_gate_up"), "up", null);
            Rows($"{layer}mlp.down_proj.weight", Packed("ffn_down"), "", null);
            Floats($"{layer}mlp.ffn_sub_norm.weight", Packed("ffn_sub_norm"), 0, [geometry.FeedForward]);
            Floats($"{layer}input_layernorm.weight", Packed("attn_norm"), 0, [d]);
            Floats($"{layer}post_attention_layernorm.weight", Packed("ffn_norm"), 0, [d]);
        }

        Floats($"{Prefix}norm.weight", TensorNames.FinalNorm, 0, [d]);
        if (geometry.HasLmHead)
        {
            Rows("language_model.lm_head.weight", TensorNames.LmHead, "", null);
        }
    }

    private void WriteSmallArchives()
    {
        if (geometry.ActionDim > 0)
        {
            int input = geometry.ActionDim * geometry.Width;
            int d = geometry.Width;
            var head = new List<TorchTensor>();
            void Vector(string name, string packed, int count) =>
                head.Add(ArchiveFloats($"module.model.{name}", packed, count, bfloat16: true));
            void Matrix(string name, string packed) => head.Add(ArchiveRows($"module.model.{name}", packed, bfloat16: true));
            Vector("layer_norm1.weight", TensorNames.HeadNorm1Weight, input);
            Vector("layer_norm1.bias", TensorNames.HeadNorm1Bias, input);
            Matrix("fc1.weight", TensorNames.HeadWeight1);
            Vector("fc1.bias", TensorNames.HeadBias1, d);
            for (int b = 0; b < geometry.HeadBlocks; b++)
            {
                Vector($"mlp_resnet_blocks.{b}.ffn.0.weight", TensorNames.HeadBlock(b, "norm", "weight"), d);
                Vector($"mlp_resnet_blocks.{b}.ffn.0.bias", TensorNames.HeadBlock(b, "norm", "bias"), d);
                Matrix($"mlp_resnet_blocks.{b}.ffn.1.weight", TensorNames.HeadBlock(b, "fc", "weight"));
                Vector($"mlp_resnet_blocks.{b}.ffn.1.bias", TensorNames.HeadBlock(b, "fc", "bias"), d);
            }

            Vector("layer_norm2.weight", TensorNames.HeadNorm2Weight, d);
            Vector("layer_norm2.bias", TensorNames.HeadNorm2Bias, d);
            Matrix("fc2.weight", TensorNames.HeadWeight2);
            Vector("fc2.bias", TensorNames.HeadBias2, geometry.ActionDim);
            TorchArchiveWriter.Write(Path.Combine(folder, "action_head--0_checkpoint.pt"), head);
        }

        if (geometry.ProprioDim > 0)
        {
            TorchArchiveWriter.Write(
                Path.Combine(folder, "proprio_projector--0_checkpoint.pt"),
                [
                    ArchiveRows("module.fc1.weight", TensorNames.ProprioWeight1, bfloat16: false),
                    ArchiveFloats("module.fc1.bias", TensorNames.ProprioBias1, geometry.Width, bfloat16: false),
                    ArchiveRows("module.fc2.weight", TensorNames.ProprioWeight2, bfloat16: false),
                    ArchiveFloats("module.fc2.bias", TensorNames.ProprioBias2, geometry.Width, bfloat16: false),
                ]);
        }
    }

    private void WriteShards()
    {
        var shards = new List<List<(SafetensorsEntry Entry, Action<Action<ReadOnlySpan<byte>>> Write)>>();
        long filled = ShardBytes;
        foreach (var tensor in tensors)
        {
            if (filled + tensor.Entry.Bytes > ShardBytes)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(tensor);
            filled += tensor.Entry.Bytes;
        }

        long total = tensors.Sum(t => t.Entry.Bytes);
        long done = 0;
        using var progress = new ProgressLine("writing", total);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < shards.Count; i++)
        {
            string file = shards.Count == 1 ? "model.safetensors" : $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            using var writer = new SafetensorsWriter(Path.Combine(folder, file), shards[i].ConvertAll(t => t.Entry));
            foreach (var (entry, write) in shards[i])
            {
                write(piece =>
                {
                    cancellation.ThrowIfCancellationRequested();
                    writer.Append(piece);
                    done += piece.Length;
                    progress.Report(done, entry.Name);
                });
                files.Add(entry.Name, file);
            }

            writer.Commit();
        }

        if (shards.Count > 1)
        {
            CheckpointTexts.WriteIndex(folder, total, files);
        }
    }

    private MatrixSegment Segment(string packed, string part) =>
        LogicalMatrix.Of(geometry, plan[packed])!.Segments.Single(s => s.Part == part);

    private void Floats(string name, string packed, int first, long[] shape)
    {
        var tensor = model.Tensor(plan[packed]);
        int count = checked((int)shape.Aggregate(1L, (product, size) => product * size));
        void Write(Action<ReadOnlySpan<byte>> append)
        {
            var values = new ushort[count];
            for (int i = 0; i < count; i++)
            {
                values[i] = BFloat16.Round(tensor.Float(first + i));
            }

            append(MemoryMarshal.AsBytes(values.AsSpan()));
        }

        tensors.Add((new SafetensorsEntry(name, "BF16", shape), Write));
    }

    private void Rows(string name, string packed, string part, long[]? shape)
    {
        var matrix = LogicalMatrix.Of(geometry, plan[packed])!;
        var segment = Segment(packed, part);
        var fill = plan[packed].Type == Format.Gguf.GgufTensorType.I8 ? LatentRow(packed, matrix, segment) : DenseRow(packed, segment);
        AddRows(name, shape ?? [segment.Rows, matrix.K], matrix.K * 2, segment.Rows, fill);
    }

    private void AddRows(string name, long[] shape, int rowBytes, int rows, RowFill fill) =>
        tensors.Add((new SafetensorsEntry(name, "BF16", shape), append => Stream(rowBytes, rows, fill, append)));

    // Rows are independent, so a batch of them is made on all cores.
    private void Stream(int rowBytes, int rows, RowFill fill, Action<ReadOnlySpan<byte>> append)
    {
        int batch = Math.Clamp(BatchBytes / rowBytes, 1, rows);
        var buffer = new byte[batch * rowBytes];
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        for (int first = 0; first < rows; first += batch)
        {
            int start = first;
            int count = Math.Min(batch, rows - first);
            Parallel.For(0, count, options, row => fill(start + row, buffer.AsSpan(row * rowBytes, rowBytes)));
            append(buffer.AsSpan(0, count * rowBytes));
        }
    }

    private RowFill DenseRow(string packed, MatrixSegment segment)
    {
        var tensor = model.Tensor(plan[packed]);
        return (row, bytes) => tensor.DenseRow(segment.First + row, MemoryMarshal.Cast<byte, ushort>(bytes));
    }

    private RowFill LatentRow(string packed, LogicalMatrix matrix, MatrixSegment segment)
    {
        var tensor = model.Tensor(plan[packed]);
        var random = model.Random($"{packed}.latent");
        var scale = model.Tensor(plan[packed[..^"weight".Length] + "scale"]);
        float unit = scale.Float(matrix.Segments.ToList().IndexOf(segment)) / MeanLatent;
        return (row, bytes) =>
        {
            var latents = MemoryMarshal.Cast<byte, ushort>(bytes);
            Span<sbyte> trits = latents.Length <= 8192 ? stackalloc sbyte[latents.Length] : new sbyte[latents.Length];
            tensor.TernaryRow(segment.First + row, trits);
            long at = (long)(segment.First + row) * matrix.K;
            for (int k = 0; k < trits.Length; k++)
            {
                float draw = random.Uniform(at + k);
                latents[k] = BFloat16.Round(unit * (trits[k] == 0 ? 0.5f * (draw - 0.5f) : trits[k] * (0.75f + 1.5f * draw)));
            }
        };
    }

    private TorchTensor ArchiveFloats(string name, string packed, int count, bool bfloat16)
    {
        var tensor = model.Tensor(plan[packed]);
        return new TorchTensor(name, [count], bfloat16, append =>
        {
            var values = new ushort[count];
            for (int i = 0; i < count; i++)
            {
                values[i] = BFloat16.Round(tensor.Float(i));
            }

            append(Archived(values, bfloat16));
        });
    }

    private TorchTensor ArchiveRows(string name, string packed, bool bfloat16)
    {
        var matrix = LogicalMatrix.Of(geometry, plan[packed])!;
        var tensor = model.Tensor(plan[packed]);
        return new TorchTensor(name, [matrix.N, matrix.K], bfloat16, append =>
        {
            var row = new ushort[matrix.K];
            for (int n = 0; n < matrix.N; n++)
            {
                cancellation.ThrowIfCancellationRequested();
                tensor.DenseRow(n, row);
                append(Archived(row, bfloat16));
            }
        });
    }

    private static ReadOnlySpan<byte> Archived(ushort[] values, bool bfloat16) =>
        bfloat16 ? MemoryMarshal.AsBytes(values.AsSpan()) : MemoryMarshal.AsBytes(Array.ConvertAll(values, BFloat16.Widen).AsSpan());

    private delegate void RowFill(int row, Span<byte> bytes);
}
