using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace BitVla.Packing.Tests;

/// <summary>Builds pickles opcode by opcode, and .pt archives around them.</summary>
internal sealed class Pickle
{
    private readonly List<byte> bytes = [];

    public Pickle() => Raw(0x80, 2);

    public Pickle Raw(params byte[] opcodes)
    {
        bytes.AddRange(opcodes);
        return this;
    }

    public Pickle Op(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    public Pickle Global(string module, string name) => Op($"c{module}\n{name}\n");

    public Pickle Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Op("X").Raw(length).Raw(utf8);
    }

    public Pickle Int(int value)
    {
        byte[] little = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(little, value);
        return Op("J").Raw(little);
    }

    /// <summary>An empty OrderedDict with an open group, as every state dict begins.</summary>
    public Pickle Begin() => Global("collections", "OrderedDict").Op(")R(");

    public Pickle Storage(string key, int elements, string type = "FloatStorage") =>
        Op("(").Text("storage").Global("torch", type).Text(key).Text("cpu").Int(elements).Op("tQ");

    public Pickle Tensor(string name, string key, int storage, int[] size, int[] stride, int offset = 0, string type = "FloatStorage")
    {
        Text(name).Global("torch._utils", "_rebuild_tensor_v2").Op("(").Storage(key, storage, type).Int(offset).Op("(");
        foreach (int s in size)
        {
            Int(s);
        }

        Op("t(");
        foreach (int s in stride)
        {
            Int(s);
        }

        return Op("t\x89").Global("collections", "OrderedDict").Op(")RtR");
    }

    public byte[] End(string opcodes = "u.") => [.. Op(opcodes).bytes];

    public static void Archive(string path, byte[] pickle, params (string Name, byte[] Bytes)[] members)
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Write("archive/data.pkl", pickle);
        foreach (var (name, content) in members)
        {
            Write("archive/" + name, content);
        }

        void Write(string name, byte[] content)
        {
            using var stream = zip.CreateEntry(name, CompressionLevel.Fastest).Open();
            stream.Write(content);
        }
    }
}
