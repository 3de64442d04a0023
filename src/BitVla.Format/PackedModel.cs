using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BitVla.Format.Gguf;
using BitVla.Format.Layout;

namespace BitVla.Format;

/// <summary>A packed model, memory-mapped: its manifest, and its tensors where they lie.</summary>
/// <remarks>
/// Opening reads the directory only and proves that it is whole and consistent; tensor bytes are first looked at by
/// <see cref="CheckTensors"/>. A file must be replaced by rename: truncating it while it is mapped ends the process (SIGBUS).
/// </remarks>
public sealed unsafe class PackedModel : IDisposable
{
    private readonly MemoryMappedFile? mapping;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* data;
    private readonly Dictionary<string, int> index = new(StringComparer.Ordinal);
    private readonly ulong[] checkedRows;
    private readonly GgufTensor embedding;
    private readonly ulong* rowHashes;
    private readonly long tensorHashesOffset;

    private PackedModel(string file, byte* data, long length, MemoryMappedFile? mapping, MemoryMappedViewAccessor? view)
    {
        this.data = data;
        this.mapping = mapping;
        this.view = view;
        Length = length;
        Document = GgufDocument.Parse(data, length, file);
        CheckDirectory();
        Manifest = ManifestCodec.Read(Document);
        CheckPlan();

        // After all that can refuse the file: the tokenizer owns memory that nobody could free.
        Tokenizer = new PackedTokenizer(Document, data, Manifest);
        tensorHashesOffset = Document.RequireArray(ModelKeys.TensorXxh3, GgufValueType.UInt64).Offset;
        embedding = Tensor(TensorNames.Embedding);
        rowHashes = (ulong*)Data(TensorNames.EmbeddingRowXxh3);
        checkedRows = new ulong[(Manifest.Geometry.VocabRows + 63) / 64];
    }

    /// <summary>Name of the file, as it was given.</summary>
    public string File => Document.File;

    /// <summary>Length of the file, bytes.</summary>
    public long Length { get; }

    /// <summary>The directory.</summary>
    public GgufDocument Document { get; }

    /// <summary>What the file says about the model.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The tokenizer's tables on the map.</summary>
    public PackedTokenizer Tokenizer { get; }

    /// <summary>The model's id: SHA-256 of the metadata, lower-case hex.</summary>
    public string ModelId { get; private set; } = "";

    /// <summary>Maps a file and reads its directory.</summary>
    /// <exception cref="ArtifactException">The file is missing, foreign, damaged in its directory, or contradicts itself.</exception>
    public static PackedModel Open(string path)
    {
        MemoryMappedFile? mapping = null;
        MemoryMappedViewAccessor? view = null;
        bool held = false;
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists)
            {
                throw new ArtifactException(ArtifactError.NotFound, path, "file", "a packed model", "no such file");
            }

            // Pipes and devices have no length either; opening a pipe would wait for its writer.
            if (info.Length == 0)
            {
                throw new ArtifactException(ArtifactError.Truncated, path, "file", "a packed model", "an empty file");
            }

            // One opening for length and map: a file renamed into this place meanwhile is another file.
            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);
            long length;
            try
            {
                length = stream.Length;
                mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            }
            catch
            {
                stream.Dispose();
                throw;
            }

            view = mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* pointer = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            held = true;
            return new PackedModel(path, pointer, length, mapping, view);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            Release();
            throw new ArtifactException(ArtifactError.Unreadable, path, "file", "a readable file", cause.Message, null, cause);
        }
        catch
        {
            Release();
            throw;
        }

        void Release()
        {
            if (held)
            {
                view!.SafeMemoryMappedViewHandle.ReleasePointer();
            }

            view?.Dispose();
            mapping?.Dispose();
        }
    }

    /// <summary>Reads a model from memory that the caller keeps, 64-byte aligned: tests and fuzzers.</summary>
    /// <exception cref="ArtifactException">As <see cref="Open"/>.</exception>
    public static PackedModel FromMemory(byte* data, long length, string name) => new(name, data, length, null, null);

    /// <summary>The directory entry of a tensor.</summary>
    public GgufTensor Tensor(string name) => Document.Tensors[index[name]];

    /// <summary>First byte of a tensor.</summary>
    public byte* Data(string name) => data + Tensor(name).Offset;

    /// <summary>First float of an F32 tensor.</summary>
    public float* Floats(string name) => (float*)Data(name);

    /// <summary>Bytes of a part of a tensor.</summary>
    public ReadOnlySpan<byte> Bytes(GgufTensor tensor, long from, int count) => new(data + tensor.Offset + from, count);

    /// <summary>Checks every tensor's XXH3 but the embedding table's, reading the map once in the order of use: the prefetch.</summary>
    /// <exception cref="ArtifactException">A checksum does not match, a value is not finite, or a ternary code is illegal.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public void CheckTensors(CancellationToken cancellation)
    {
        for (int i = 0; i < Document.Tensors.Count; i++)
        {
            var tensor = Document.Tensors[i];
            if (!ReferenceEquals(tensor, embedding))
            {
                CheckXxh3(i, cancellation);
            }
        }
    }

    /// <summary>Checks one tensor's XXH3, that its numbers are finite and its ternary codes legal, in one pass over its bytes.</summary>
    public void CheckXxh3(int tensorIndex, CancellationToken cancellation)
    {
        // Small enough that the second look at a piece finds it in a cache; XXH3 streams, so the result is that of the whole.
        const int Piece = 1 << 18;
        var tensor = Document.Tensors[tensorIndex];
        var hash = new XxHash3();
        for (long at = 0; at < tensor.Bytes; at += Piece)
        {
            cancellation.ThrowIfCancellationRequested();
            var piece = Bytes(tensor, at, (int)Math.Min(Piece, tensor.Bytes - at));
            hash.Append(piece);
            CheckValues(tensor, at, piece);
        }

        ulong found = hash.GetCurrentHashAsUInt64();
        ulong expected = ((ulong*)(data + tensorHashesOffset))[tensorIndex];
        if (found != expected)
        {
            throw Document.Wrong(ArtifactError.ChecksumMismatch, tensor.Name, $"XXH3 {expected:x16}", $"{found:x16}", tensor.Offset);
        }
    }

    /// <summary>Checks one tensor's SHA-256.</summary>
    public void CheckSha256(int tensorIndex, CancellationToken cancellation)
    {
        const int Piece = 1 << 24;
        var tensor = Document.Tensors[tensorIndex];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < tensor.Bytes; at += Piece)
        {
            cancellation.ThrowIfCancellationRequested();
            hash.AppendData(Bytes(tensor, at, (int)Math.Min(Piece, tensor.Bytes - at)));
        }

        Span<byte> found = stackalloc byte[32];
        hash.GetHashAndReset(found);
        var expected = Document.Bytes(Document.RequireArray(ModelKeys.TensorSha256, GgufValueType.UInt8)).Slice(32 * tensorIndex, 32);
        if (!found.SequenceEqual(expected))
        {
            throw Document.Wrong(
                ArtifactError.ChecksumMismatch, tensor.Name, $"SHA-256 {Convert.ToHexStringLower(expected)}", Convert.ToHexStringLower(found), tensor.Offset);
        }
    }

    /// <summary>The bf16 values of an embedding row [D]; its checksum is verified on first use.</summary>
    /// <exception cref="ArtifactException">The checksum does not match, or a value is not finite.</exception>
    public ushort* EmbeddingRow(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Manifest.Geometry.VocabRows);
        int rowBytes = Manifest.Geometry.Width * sizeof(ushort);
        byte* row = data + embedding.Offset + (long)id * rowBytes;
        ref ulong word = ref checkedRows[id >> 6];
        ulong bit = 1UL << (id & 63);
        if ((word & bit) == 0)
        {
            CheckEmbeddingRow(id);
            Interlocked.Or(ref word, bit);
        }

        return (ushort*)row;
    }

    /// <summary>Checks the checksum of one embedding row, and that its values are finite.</summary>
    /// <exception cref="ArtifactException">They are not; the row is named.</exception>
    public void CheckEmbeddingRow(int id)
    {
        int rowBytes = Manifest.Geometry.Width * sizeof(ushort);
        long at = embedding.Offset + (long)id * rowBytes;
        var row = new ReadOnlySpan<byte>(data + at, rowBytes);
        ulong found = XxHash3.HashToUInt64(row);
        if (found != rowHashes[id])
        {
            throw Document.Wrong(ArtifactError.ChecksumMismatch, $"{TensorNames.Embedding} row {id}", $"XXH3 {rowHashes[id]:x16}", $"{found:x16}", at);
        }

        if (TensorValues.IndexOfNonFiniteBFloat16(row) is >= 0 and var bad)
        {
            throw Document.Wrong(ArtifactError.NonFinite, $"{TensorNames.Embedding} row {id}", "finite values", "NaN or infinity", at + bad);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokenizer.Dispose();
        if (view is not null)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            mapping!.Dispose();
        }
    }

    private void CheckDirectory()
    {
        var checksum = Document.Require(ModelKeys.MetadataXxh3, GgufValueType.UInt64);
        var id = Document.RequireArray(ModelKeys.ModelId, GgufValueType.UInt8);
        if (id.Count != 32)
        {
            throw Document.Wrong(ArtifactError.WrongShape, ModelKeys.ModelId, "32 bytes", $"{id.Count}", id.Offset);
        }

        ReadOnlySpan<byte> zeros = new byte[32];
        ulong expected = Document.UInt64(ModelKeys.MetadataXxh3);
        var fast = new XxHash3();
        foreach (var (at, bytes, isZero) in DirectoryPieces(checksum))
        {
            fast.Append(isZero ? zeros[..bytes] : new ReadOnlySpan<byte>(data + at, bytes));
        }

        ulong found = fast.GetCurrentHashAsUInt64();
        if (found != expected)
        {
            throw Document.Wrong(ArtifactError.ChecksumMismatch, ModelKeys.MetadataXxh3, $"XXH3 {expected:x16}", $"{found:x16}", checksum.Offset);
        }

        using var strong = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (at, bytes, isZero) in DirectoryPieces(checksum, id))
        {
            strong.AppendData(isZero ? zeros[..bytes] : new ReadOnlySpan<byte>(data + at, bytes));
        }

        var stored = Document.Bytes(id);
        byte[] computed = strong.GetHashAndReset();
        if (!stored.SequenceEqual(computed))
        {
            throw Document.Wrong(
                ArtifactError.ChecksumMismatch, ModelKeys.ModelId, $"SHA-256 {Convert.ToHexStringLower(computed)}", Convert.ToHexStringLower(stored), id.Offset);
        }

        ModelId = Convert.ToHexStringLower(stored);
    }

    // The directory, where some fields count as zero: its hashes lie in it themselves. In pieces instead of a copy, for it may be long.
    private IEnumerable<(long At, int Bytes, bool IsZero)> DirectoryPieces(params GgufValue[] zeroed)
    {
        long at = 0;
        foreach (var field in zeroed.OrderBy(value => value.Offset))
        {
            yield return (at, checked((int)(field.Offset - at)), false);
            yield return (field.Offset, checked((int)field.Bytes), true);
            at = field.Offset + field.Bytes;
        }

        yield return (at, checked((int)(Document.DataStart - at)), false);
    }

    private void CheckPlan()
    {
        var plan = TensorPlan.For(Manifest.Geometry);
        var tensors = Document.Tensors;
        long offset = Document.DataStart;
        for (int i = 0; i < Math.Max(plan.Count, tensors.Count); i++)
        {
            if (i >= tensors.Count)
            {
                throw Document.Wrong(ArtifactError.Missing, plan[i].Name, $"{plan[i].Type} {plan[i].Shape}", "no such tensor", null);
            }

            var found = tensors[i];
            if (i >= plan.Count || found.Name != plan[i].Name)
            {
                bool known = plan.Any(p => p.Name == found.Name);
                throw Document.Wrong(
                    known ? ArtifactError.Missing : ArtifactError.Unexpected,
                    known ? plan[i].Name : found.Name,
                    i < plan.Count ? $"tensor {i} to be {plan[i].Name}" : $"{plan.Count} tensors",
                    found.Name,
                    found.Offset);
            }

            if (found.Type != plan[i].Type)
            {
                throw Document.Wrong(ArtifactError.WrongType, found.Name, $"{plan[i].Type}", $"{found.Type}", found.Offset);
            }

            if (!found.Dimensions.SequenceEqual(plan[i].Dimensions))
            {
                throw Document.Wrong(ArtifactError.WrongShape, found.Name, plan[i].Shape, found.Shape, found.Offset);
            }

            if (found.Offset != offset)
            {
                throw Document.Wrong(ArtifactError.BadOffset, found.Name, $"data at {offset}", $"{found.Offset}", found.Offset);
            }

            offset = (found.Offset + found.Bytes + Document.Alignment - 1) / Document.Alignment * Document.Alignment;
            index.Add(found.Name, i);
        }

        long end = tensors[^1].Offset + tensors[^1].Bytes;
        if (end != Length)
        {
            throw Document.Wrong(ArtifactError.BadOffset, "end of file", $"{end} bytes", $"{Length}", end);
        }

        RequireHashes(ModelKeys.TensorXxh3, GgufValueType.UInt64, tensors.Count);
        RequireHashes(ModelKeys.TensorSha256, GgufValueType.UInt8, 32L * tensors.Count);
    }

    private void RequireHashes(string key, GgufValueType type, long count)
    {
        var hashes = Document.RequireArray(key, type);
        if (hashes.Count != count)
        {
            throw Document.Wrong(ArtifactError.WrongShape, key, $"{count} values", $"{hashes.Count}", hashes.Offset);
        }
    }

    private void CheckValues(GgufTensor tensor, long at, ReadOnlySpan<byte> piece)
    {
        int bad = tensor.Type switch
        {
            GgufTensorType.F32 => TensorValues.IndexOfNonFiniteFloat32(piece),
            GgufTensorType.BF16 => TensorValues.IndexOfNonFiniteBFloat16(piece),
            GgufTensorType.I8 => TensorValues.IndexOfIllegalCode(piece),
            _ => -1,
        };
        if (bad < 0)
        {
            return;
        }

        long offset = tensor.Offset + at + bad;
        throw tensor.Type == GgufTensorType.I8
            ? Document.Wrong(ArtifactError.IllegalCode, tensor.Name, $"codes 0 to {TernaryLayout.MaxCode}", $"{piece[bad]}", offset)
            : Document.Wrong(ArtifactError.NonFinite, tensor.Name, "finite values", "NaN or infinity", offset);
    }
}
