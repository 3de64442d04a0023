using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BitVla.Format.Gguf;

namespace BitVla.Format;

/// <summary>Writes a packed model tensor by tensor; the file appears under its name only when it is complete.</summary>
/// <remarks>
/// Power loss at any point leaves the old file or the new one, see <see cref="AtomicFile"/>. Tensors come in the order of
/// <see cref="TensorPlan"/>.
/// </remarks>
public sealed class PackedModelWriter : IDisposable
{
    private readonly AtomicFile file;
    private readonly byte[] header;
    private readonly IReadOnlyDictionary<string, long> patches;
    private readonly IReadOnlyList<TensorPlanEntry> plan;
    private readonly IReadOnlyList<GgufTensor> places;
    private readonly ulong[] xxh3;
    private readonly byte[] sha256;
    private readonly ulong[] rowHashes;
    private readonly XxHash3 runningXxh3 = new();
    private readonly IncrementalHash runningSha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int next;
    private long written;

    /// <summary>Opens the temporary file and writes the directory.</summary>
    /// <exception cref="ArtifactException">The geometry contradicts itself, or the output cannot be written; so for all that writes.</exception>
    public PackedModelWriter(string path, ModelManifest manifest, TokenizerContent tokenizer)
    {
        manifest.Geometry.Validate(path);
        plan = TensorPlan.For(manifest.Geometry);
        using var builder = ManifestCodec.Write(manifest, tokenizer, plan.Count);
        header = builder.Build(plan, ManifestCodec.Alignment, out places, out patches);
        xxh3 = new ulong[plan.Count];
        sha256 = new byte[32 * plan.Count];
        rowHashes = new ulong[manifest.Geometry.VocabRows];
        file = new AtomicFile(path);
        try
        {
            file.Stream.Write(header);
        }
        catch
        {
            // Nobody can dispose of what a constructor did not finish.
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensors to write, in order.</summary>
    public IReadOnlyList<TensorPlanEntry> Plan => plan;

    /// <summary>Length of the finished file, known from the start.</summary>
    public long FileBytes => places[^1].Offset + places[^1].Bytes;

    /// <summary>The next tensor to write; null when all are.</summary>
    public TensorPlanEntry? Next => next < plan.Count ? plan[next] : null;

    /// <summary>Hash of the model; set by <see cref="Commit"/>.</summary>
    public string? ModelId { get; private set; }

    /// <summary>Writes a whole tensor. The row checksums of the embedding table must be given before it with <see cref="SetEmbeddingRowHash"/>.</summary>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        Append(name, bytes);
        End(name);
    }

    /// <summary>Writes a whole tensor of floats.</summary>
    public void Write(string name, ReadOnlySpan<float> values) => Write(name, MemoryMarshal.AsBytes(values));

    /// <summary>Appends bytes to the tensor that is due; <see cref="End"/> closes it.</summary>
    public void Append(string name, ReadOnlySpan<byte> bytes)
    {
        var entry = Due(name);
        if (written + bytes.Length > entry.Bytes)
        {
            throw new InvalidOperationException($"Tensor {name} has {entry.Bytes} bytes; {written + bytes.Length} were given.");
        }

        if (written == 0)
        {
            Pad(places[next].Offset);
        }

        file.Stream.Write(bytes);
        runningXxh3.Append(bytes);
        runningSha256.AppendData(bytes);
        written += bytes.Length;
    }

    /// <summary>Closes the tensor that is due.</summary>
    public void End(string name)
    {
        var entry = Due(name);
        if (written != entry.Bytes)
        {
            throw new InvalidOperationException($"Tensor {name} has {entry.Bytes} bytes; {written} were given.");
        }

        xxh3[next] = runningXxh3.GetCurrentHashAsUInt64();
        runningXxh3.Reset();
        runningSha256.GetHashAndReset(sha256.AsSpan(32 * next));
        written = 0;
        next++;
    }

    /// <summary>Gives the checksum of one embedding row; all are written at once by <see cref="WriteEmbeddingRowHashes"/>.</summary>
    public void SetEmbeddingRowHash(int row, ReadOnlySpan<byte> rowBytes) => rowHashes[row] = XxHash3.HashToUInt64(rowBytes);

    /// <summary>Writes the tensor of row checksums.</summary>
    public void WriteEmbeddingRowHashes() => Write(TensorNames.EmbeddingRowXxh3, MemoryMarshal.AsBytes(rowHashes.AsSpan()));

    /// <summary>Seals the file and gives it its name.</summary>
    public void Commit()
    {
        if (next != plan.Count)
        {
            throw new InvalidOperationException($"Tensor {plan[next].Name} was not written.");
        }

        MemoryMarshal.AsBytes(xxh3.AsSpan()).CopyTo(header.AsSpan((int)patches[ModelKeys.TensorXxh3]));
        sha256.CopyTo(header.AsSpan((int)patches[ModelKeys.TensorSha256]));
        var id = header.AsSpan((int)patches[ModelKeys.ModelId], 32);
        var checksum = header.AsSpan((int)patches[ModelKeys.MetadataXxh3], 8);
        Seal(header, id, checksum);
        ModelId = Convert.ToHexStringLower(id);
        file.Stream.Position = 0;
        file.Stream.Write(header);
        file.Commit();
    }

    /// <summary>Writes id and checksum into a directory whose bytes are otherwise final.</summary>
    /// <remarks>
    /// The id is SHA-256 with id and checksum zeroed; the checksum is XXH3 with only its own bytes zeroed. The id therefore covers
    /// every byte of the metadata, the tensors' SHA-256 among them, and a signature over the id covers the whole file.
    /// </remarks>
    public static void Seal(Span<byte> directory, Span<byte> id, Span<byte> checksum)
    {
        id.Clear();
        checksum.Clear();
        SHA256.HashData(directory, id);
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, XxHash3.HashToUInt64(directory));
    }

    /// <summary>Closes the file; what was not committed is removed.</summary>
    public void Dispose()
    {
        file.Dispose();
        runningSha256.Dispose();
    }

    private TensorPlanEntry Due(string name) =>
        next < plan.Count && plan[next].Name == name
            ? plan[next]
            : throw new InvalidOperationException($"Tensor {name} is not due; {(next < plan.Count ? plan[next].Name : "none")} is.");

    private void Pad(long offset)
    {
        Span<byte> zeros = stackalloc byte[ManifestCodec.Alignment];
        zeros.Clear();
        file.Stream.Write(zeros[..(int)(offset - file.Stream.Position)]);
    }
}
