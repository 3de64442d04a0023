using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>A checkpoint folder: which file is which, and all tensors of the vision-language model by name.</summary>
/// <remarks>Full fine-tuning leaves weights and config.json in lora_adapter/; each file is sought in the root first, then there.</remarks>
internal sealed class CheckpointDirectory : IDisposable
{
    /// <summary>Where the authors' trainer puts weights and configuration.</summary>
    public const string AdapterFolder = "lora_adapter";

    /// <summary>The action head's file, as messages name it.</summary>
    public const string ActionHeadPattern = "action_head--*_checkpoint.pt";

    /// <summary>The proprio projector's file, as messages name it.</summary>
    public const string ProprioPattern = "proprio_projector--*_checkpoint.pt";

    private const string SingleName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";
    private const int MaxIndexBytes = 16 << 20;
    private const int MaxShards = 1024;

    private readonly List<SourceFile> open = [];
    private readonly Dictionary<string, SourceTensor> tensors = new(StringComparer.Ordinal);
    private readonly List<string> used = [];

    private CheckpointDirectory(string root) => Root = root;

    /// <summary>The folder, as it was given.</summary>
    public string Root { get; }

    /// <summary>Tensors of all shards.</summary>
    public IReadOnlyDictionary<string, SourceTensor> Tensors => tensors;

    /// <summary>Files that were read, by their path below the folder.</summary>
    public IReadOnlyList<string> SourceFiles => used;

    /// <summary>Number of weight files.</summary>
    public int Shards { get; private set; }

    /// <summary>Whether weights came from lora_adapter/.</summary>
    public bool IsSplit { get; private set; }

    /// <summary>What the index says of all sizes together; null without one.</summary>
    public long? AnnouncedBytes { get; private set; }

    /// <summary>Opens a folder; its weights are read by <see cref="ReadWeights"/>.</summary>
    public static CheckpointDirectory Open(string root) => Directory.Exists(root)
        ? new CheckpointDirectory(root)
        : throw new ArtifactException(ArtifactError.NotFound, root, "checkpoint", "a folder", File.Exists(root) ? "a file" : "no such folder");

    /// <summary>Path of a file that may be absent.</summary>
    public string? Find(string name)
    {
        foreach (string folder in new[] { Root, Path.Combine(Root, AdapterFolder) })
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Path of a file that must be there; it counts among the sources.</summary>
    public string Require(string name) =>
        Use(Find(name) ?? throw new ArtifactException(ArtifactError.Missing, Root, name, $"the file here or in {AdapterFolder}/", "no such file"));

    /// <summary>The only file whose name contains <paramref name="word"/> and "checkpoint"; null when there is none.</summary>
    public string? FindPickle(string word)
    {
        foreach (string folder in new[] { Root, Path.Combine(Root, AdapterFolder) })
        {
            string[] found = ListFiles(folder).Where(f => Path.GetFileName(f) is var n && n.Contains(word) && n.Contains("checkpoint")).ToArray();
            if (found.Length > 1)
            {
                throw new ArtifactException(
                    ArtifactError.Duplicate, Root, $"{word}--*_checkpoint.pt", "one file", string.Join(", ", found.Select(Path.GetFileName).Order()));
            }

            if (found.Length == 1)
            {
                return Use(found[0]);
            }
        }

        return null;
    }

    /// <summary>Opens a .pt file; it stays open with the folder.</summary>
    public IReadOnlyList<SourceTensor> ReadPickle(string path) => TorchArchive.Read(Keep(path));

    /// <summary>Reads the headers of all weight files.</summary>
    public void ReadWeights()
    {
        foreach (string folder in new[] { Root, Path.Combine(Root, AdapterFolder) })
        {
            string single = Path.Combine(folder, SingleName);
            string index = Path.Combine(folder, IndexName);
            bool hasSingle = File.Exists(single);
            if (hasSingle && File.Exists(index))
            {
                throw new ArtifactException(ArtifactError.Contradiction, folder, "weights", $"either {SingleName} or {IndexName}", "both");
            }

            if (hasSingle || File.Exists(index))
            {
                IsSplit = folder != Root;
                if (hasSingle)
                {
                    ReadShard(Use(single));
                }
                else
                {
                    ReadIndex(Use(index), folder);
                }

                return;
            }
        }

        throw new ArtifactException(ArtifactError.Missing, Root, "weights", $"{SingleName} or {IndexName}", "neither");
    }

    public void Dispose() => open.ForEach(file => file.Dispose());

    private void ReadIndex(string path, string folder)
    {
        var index = JsonField.Read(path, MaxIndexBytes);
        AnnouncedBytes = index.Optional("metadata").Optional("total_size") is { IsMissing: false } total ? total.Integer(0, long.MaxValue) : null;
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (tensor, shard) in index["weight_map"].Members())
        {
            shardOf.Add(tensor, PlainName(shard));
        }

        string[] shards = shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        if (shards.Length > MaxShards)
        {
            throw new ArtifactException(ArtifactError.LimitExceeded, path, "weight_map", $"at most {MaxShards} files", $"{shards.Length}");
        }

        foreach (string shard in shards)
        {
            string shardPath = Path.Combine(folder, shard);
            if (!File.Exists(shardPath))
            {
                throw new ArtifactException(ArtifactError.Missing, path, shard, "the file that the index names", "no such file");
            }

            foreach (var tensor in ReadShard(Use(shardPath)))
            {
                if (!shardOf.TryGetValue(tensor.Name, out string? announced) || announced != shard)
                {
                    throw new ArtifactException(ArtifactError.Contradiction, shardPath, tensor.Name, $"its place in the index: {announced ?? "none"}", shard);
                }
            }
        }

        foreach (var (tensor, shard) in shardOf)
        {
            if (!tensors.ContainsKey(tensor))
            {
                throw new ArtifactException(ArtifactError.Missing, Path.Combine(folder, shard), tensor, "the tensor that the index places here", "no such tensor");
            }
        }
    }

    private IReadOnlyList<SourceTensor> ReadShard(string path)
    {
        var read = SafetensorsFile.Read(Keep(path));
        foreach (var tensor in read)
        {
            if (!tensors.TryAdd(tensor.Name, tensor))
            {
                throw new ArtifactException(ArtifactError.Duplicate, path, tensor.Name, "one tensor of a name", $"another in {tensors[tensor.Name].File}");
            }
        }

        Shards++;
        return read;
    }

    // An index must not reach out of its folder.
    private static string PlainName(JsonField shard)
    {
        string name = shard.Text();
        bool plain = name.EndsWith(".safetensors", StringComparison.Ordinal) && name.IndexOfAny(['/', '\\', '\0']) < 0 && name[0] != '.';
        return plain ? name : throw shard.Wrong(ArtifactError.InvalidValue, "a plain file name that ends with .safetensors", shard.Describe());
    }

    private SourceFile Keep(string path)
    {
        var file = SourceFile.Open(path);
        open.Add(file);
        return file;
    }

    private string Use(string path)
    {
        string relative = Path.GetRelativePath(Root, path);
        if (!used.Contains(relative))
        {
            used.Add(relative);
        }

        return path;
    }

    private static string[] ListFiles(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetFiles(folder) : [];
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new ArtifactException(ArtifactError.Unreadable, folder, "checkpoint", "a readable folder", cause.Message, null, cause);
        }
    }
}
