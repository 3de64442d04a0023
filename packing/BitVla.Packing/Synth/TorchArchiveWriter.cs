using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using BitVla.Format;

namespace BitVla.Packing.Synth;

/// <summary>A tensor of a torch state dict.</summary>
/// <param name="Name">Name.</param>
/// <param name="Shape">Sizes, slowest first.</param>
/// <param name="BFloat16">bf16 storage; otherwise float32.</param>
/// <param name="Write">Gives the storage's bytes, in order, piece by piece.</param>
internal sealed record TorchTensor(string Name, int[] Shape, bool BFloat16, Action<Action<ReadOnlySpan<byte>>> Write)
{
    /// <summary>Number of elements.</summary>
    public int Elements => Shape.Aggregate(1, (elements, size) => checked(elements * size));

    /// <summary>Length of the storage in bytes.</summary>
    public int Bytes => checked(Elements * (BFloat16 ? 2 : 4));
}

/// <summary>Writes a state dict as torch.save does: an uncompressed zip of a protocol 2 pickle and one member a storage.</summary>
/// <remarks>Source: BITVLA.md section 2.5. The pickle has no memo, which unpicklers do not need.</remarks>
internal sealed class TorchArchiveWriter : IDisposable
{
    // torch aligns storages so that they can be mapped; an extra field named FB fills the gap.
    private const int Alignment = 64;
    private const int LocalHeaderBytes = 30;
    private const int CrcOffset = 14;

    // 1980-01-01: archives of the same weights are the same bytes.
    private const ushort DosDate = 0x21;

    private readonly AtomicFile file;
    private readonly string folder;
    private readonly List<(string Name, uint Crc, int Bytes, long Offset)> members = [];

    private TorchArchiveWriter(string path)
    {
        file = new AtomicFile(path);
        folder = Path.GetFileNameWithoutExtension(path);
    }

    /// <summary>Writes an archive.</summary>
    public static void Write(string path, IReadOnlyList<TorchTensor> tensors)
    {
        using var archive = new TorchArchiveWriter(path);
        byte[] pickle = Pickle(tensors);
        archive.Member("data.pkl", pickle.Length, append => append(pickle));
        for (int i = 0; i < tensors.Count; i++)
        {
            archive.Member($"data/{i}", tensors[i].Bytes, tensors[i].Write);
        }

        archive.Member("version", 2, append => append("3\n"u8));
        archive.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static byte[] Pickle(IReadOnlyList<TorchTensor> tensors)
    {
        using var stream = new MemoryStream();
        var pickle = new BinaryWriter(stream, Encoding.UTF8);
        void Global(string module, string name) => pickle.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));
        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            pickle.Write((byte)'X');
            pickle.Write(bytes.Length);
            pickle.Write(bytes);
        }

        void Integer(int value)
        {
            pickle.Write((byte)'J');
            pickle.Write(value);
        }

        void Tuple(IEnumerable<int> values)
        {
            pickle.Write((byte)'(');
            foreach (int value in values)
            {
                Integer(value);
            }

            pickle.Write((byte)'t');
        }

        void EmptyOrderedDict()
        {
            Global("collections", "OrderedDict");
            pickle.Write(")R"u8);
        }

        pickle.Write([0x80, 2]);
        EmptyOrderedDict();
        pickle.Write((byte)'(');
        for (int i = 0; i < tensors.Count; i++)
        {
            var tensor = tensors[i];
            Text(tensor.Name);
            Global("torch._utils", "_rebuild_tensor_v2");
            pickle.Write("(("u8);
            Text("storage");
            Global("torch", tensor.BFloat16 ? "BFloat16Storage" : "FloatStorage");
            Text($"{i}");
            Text("cpu");
            Integer(tensor.Elements);
            pickle.Write("tQ"u8);
            Integer(0);
            Tuple(tensor.Shape);
            Tuple(tensor.Shape.Select((_, axis) => tensor.Shape.Skip(axis + 1).Aggregate(1, (product, size) => product * size)));

            // requires_grad false, no hooks.
            pickle.Write((byte)0x89);
            EmptyOrderedDict();
            pickle.Write("tR"u8);
        }

        pickle.Write("u."u8);
        pickle.Flush();
        return stream.ToArray();
    }

    private void Member(string name, int bytes, Action<Action<ReadOnlySpan<byte>>> write)
    {
        byte[] path = Encoding.UTF8.GetBytes($"{folder}/{name}");
        var stream = file.Stream;
        long offset = stream.Position;
        int gap = (int)(-(offset + LocalHeaderBytes + path.Length + 4) & (Alignment - 1));
        var header = new byte[LocalHeaderBytes + path.Length + 4 + gap];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0x04034B50);
        WriteCommon(header.AsSpan(4), 0, bytes, path.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(28), (ushort)(4 + gap));
        path.CopyTo(header.AsSpan(LocalHeaderBytes));
        "FB"u8.CopyTo(header.AsSpan(LocalHeaderBytes + path.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(LocalHeaderBytes + path.Length + 2), (ushort)gap);
        stream.Write(header);
        var crc = new Crc32();
        long start = stream.Position;
        write(piece =>
        {
            crc.Append(piece);
            stream.Write(piece);
        });
        long end = stream.Position;
        if (end - start != bytes)
        {
            throw new InvalidOperationException($"{name} has {bytes} bytes; {end - start} were given.");
        }

        uint sum = crc.GetCurrentHashAsUInt32();
        Span<byte> sumBytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(sumBytes, sum);
        stream.Position = offset + CrcOffset;
        stream.Write(sumBytes);
        stream.Position = end;
        members.Add(($"{folder}/{name}", sum, bytes, offset));
    }

    // The fields that local header and central directory share, from "version needed" on.
    private static void WriteCommon(Span<byte> target, uint crc, int bytes, int nameBytes)
    {
        target[..24].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(target, 10);
        BinaryPrimitives.WriteUInt16LittleEndian(target[8..], DosDate);
        BinaryPrimitives.WriteUInt32LittleEndian(target[10..], crc);
        BinaryPrimitives.WriteInt32LittleEndian(target[14..], bytes);
        BinaryPrimitives.WriteInt32LittleEndian(target[18..], bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(target[22..], (ushort)nameBytes);
    }

    private void Finish()
    {
        var stream = file.Stream;
        long start = stream.Position;
        foreach (var (name, crc, bytes, offset) in members)
        {
            byte[] path = Encoding.UTF8.GetBytes(name);
            var line = new byte[46 + path.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(line, 0x02014B50);
            WriteCommon(line.AsSpan(6), crc, bytes, path.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(line.AsSpan(42), (uint)offset);
            path.CopyTo(line, 46);
            stream.Write(line);
        }

        var end = new byte[22];
        BinaryPrimitives.WriteUInt32LittleEndian(end, 0x06054B50);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(8), (ushort)members.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(10), (ushort)members.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)(stream.Position - start));
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)start);
        stream.Write(end);
        file.Commit();
    }
}
