using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BitVla.Format;
using BitVla.Format.Gguf;

namespace BitVla.TestKit;

/// <summary>Cuts into the bytes of a packed file and makes its checksums again, so that a mutant reaches the checks behind them.</summary>
/// <remarks>Places are those of the sound file the surgeon was shown; a mutated directory does not confuse it.</remarks>
public sealed unsafe class PackedFileSurgeon
{
    private readonly byte[] sound;
    private readonly int id;
    private readonly int checksum;
    private readonly int xxh3;
    private readonly int sha256;

    /// <summary>Learns the places of a sound file.</summary>
    public PackedFileSurgeon(ReadOnlySpan<byte> file)
    {
        sound = file.ToArray();
        fixed (byte* start = sound)
        {
            var document = GgufDocument.Parse(start, sound.Length, "sound");
            Tensors = document.Tensors;
            DataStart = (int)document.DataStart;
            id = (int)document.RequireArray(ModelKeys.ModelId, GgufValueType.UInt8).Offset;
            checksum = (int)document.Require(ModelKeys.MetadataXxh3, GgufValueType.UInt64).Offset;
            xxh3 = (int)document.RequireArray(ModelKeys.TensorXxh3, GgufValueType.UInt64).Offset;
            sha256 = (int)document.RequireArray(ModelKeys.TensorSha256, GgufValueType.UInt8).Offset;
            MetadataValues = [.. document.Metadata.Select(pair => pair.Value)];
        }
    }

    /// <summary>The tensors.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>First byte of tensor data.</summary>
    public int DataStart { get; }

    /// <summary>Where each metadata value lies.</summary>
    public IReadOnlyList<GgufValue> MetadataValues { get; }

    /// <summary>A fresh copy of the sound file.</summary>
    public byte[] Copy() => [.. sound];

    /// <summary>A tensor by name.</summary>
    public GgufTensor Tensor(string name) => Tensors.Single(t => t.Name == name);

    /// <summary>Makes row checksums, tensor checksums and the seal again; the file keeps the sound length.</summary>
    public void Reseal(Span<byte> file)
    {
        ResealRows(file);
        for (int i = 0; i < Tensors.Count; i++)
        {
            var bytes = file.Slice((int)Tensors[i].Offset, (int)Tensors[i].Bytes);
            ulong hash = XxHash3.HashToUInt64(bytes);
            MemoryMarshal.Write(file[(xxh3 + 8 * i)..], hash);
            SHA256.HashData(bytes, file.Slice(sha256 + 32 * i, 32));
        }

        ResealDirectory(file);
    }

    /// <summary>Makes only the seal over the directory again; enough for a mutant whose tensors are left alone or cut off.</summary>
    public void ResealDirectory(Span<byte> file) => PackedModelWriter.Seal(file[..DataStart], file.Slice(id, 32), file.Slice(checksum, 8));

    private void ResealRows(Span<byte> file)
    {
        var table = Tensor(TensorNames.Embedding);
        var hashes = Tensor(TensorNames.EmbeddingRowXxh3);
        int rowBytes = (int)(table.Dimensions[0] * 2);
        for (int row = 0; row < table.Dimensions[1]; row++)
        {
            ulong hash = XxHash3.HashToUInt64(file.Slice((int)table.Offset + row * rowBytes, rowBytes));
            MemoryMarshal.Write(file[((int)hashes.Offset + 8 * row)..], hash);
        }
    }
}
