using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>A <c>.pt</c> file: the tensors of the state dict in it, without the <c>module.</c> prefix of data-parallel training.</summary>
internal static class TorchArchive
{
    private const string PickleName = "/data.pkl";
    private const string Prefix = "module.";

    /// <summary>Reads directory and pickle, and checks the CRC-32 of every storage that a tensor uses.</summary>
    public static IReadOnlyList<SourceTensor> Read(SourceFile source)
    {
        var zip = ZipDirectory.Read(source);
        var pickles = zip.Members.Values.Where(m => m.Name.EndsWith(PickleName, StringComparison.Ordinal)).ToArray();
        if (pickles.Length != 1)
        {
            throw new ArtifactException(
                pickles.Length == 0 ? ArtifactError.Missing : ArtifactError.Duplicate, source.Path, "data.pkl", "one pickle", $"{pickles.Length}");
        }

        string stem = pickles[0].Name[..^PickleName.Length];
        CheckByteOrder(zip, source, stem);
        var tensors = new List<SourceTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var verified = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (fullName, pickled) in RestrictedUnpickler.Load(ReadSmall(zip, pickles[0], RestrictedUnpickler.MaxPickleBytes, source), source.Path))
        {
            string name = fullName.StartsWith(Prefix, StringComparison.Ordinal) ? fullName[Prefix.Length..] : fullName;
            if (!names.Add(name))
            {
                throw new ArtifactException(ArtifactError.Duplicate, source.Path, name, "one tensor of a name", $"two, with and without {Prefix}");
            }

            tensors.Add(Tensor(zip, source, stem, name, pickled, verified));
        }

        return tensors;
    }

    private static SourceTensor Tensor(ZipDirectory zip, SourceFile source, string stem, string name, PickledTensor pickled, HashSet<string> verified)
    {
        string path = $"{stem}/data/{pickled.StorageKey}";
        if (!zip.Members.TryGetValue(path, out var member))
        {
            throw new ArtifactException(ArtifactError.Missing, source.Path, name, $"storage {path}", "no such member");
        }

        int elementBytes = pickled.Type == SourceType.F32 ? 4 : 2;
        if (member.Bytes != pickled.StorageElements * elementBytes)
        {
            throw new ArtifactException(
                ArtifactError.Contradiction, source.Path, name, $"a storage of {pickled.StorageElements} elements", $"{member.Bytes} bytes", member.DataOffset);
        }

        if (verified.Add(path))
        {
            zip.Verify(member);
        }

        return new SourceTensor
        {
            File = source.Path,
            Name = name,
            Type = pickled.Type,
            TypeName = pickled.Type.ToString(),
            Shape = pickled.Shape,
            Elements = SourceTensor.CountElements(pickled.Shape),
            Open = () => OpenAt(zip, member, source, pickled.Offset * elementBytes),
        };
    }

    private static Stream OpenAt(ZipDirectory zip, ZipMember member, SourceFile source, long skip)
    {
        if (!member.Deflated)
        {
            return new SliceStream(source, member.DataOffset + skip, member.Bytes - skip);
        }

        var stream = zip.Open(member);
        Span<byte> piece = stackalloc byte[1024];
        for (long done = 0; done < skip;)
        {
            int read = stream.Read(piece[..(int)Math.Min(piece.Length, skip - done)]);
            done += read > 0 ? read : throw new ArtifactException(ArtifactError.Truncated, source.Path, member.Name, $"{skip} bytes", $"{done}");
        }

        return stream;
    }

    private static void CheckByteOrder(ZipDirectory zip, SourceFile source, string stem)
    {
        if (zip.Members.TryGetValue($"{stem}/byteorder", out var member) && !ReadSmall(zip, member, 64, source).AsSpan().SequenceEqual("little"u8))
        {
            throw new ArtifactException(ArtifactError.Unsupported, source.Path, member.Name, "little", "another byte order");
        }
    }

    private static byte[] ReadSmall(ZipDirectory zip, ZipMember member, int maxBytes, SourceFile source)
    {
        if (member.Bytes > maxBytes)
        {
            throw new ArtifactException(ArtifactError.LimitExceeded, source.Path, member.Name, $"at most {maxBytes} bytes", $"{member.Bytes}", member.DataOffset);
        }

        zip.Verify(member);
        byte[] bytes = new byte[(int)member.Bytes];
        using var stream = zip.Open(member);
        stream.ReadExactly(bytes);
        return bytes;
    }
}
