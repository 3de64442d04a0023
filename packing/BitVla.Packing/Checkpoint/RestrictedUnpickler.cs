using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <summary>A tensor as a pickle describes it: which storage, and which part of it.</summary>
internal sealed record PickledTensor(string StorageKey, SourceType Type, long StorageElements, long Offset, long[] Shape, long[] Stride);

/// <summary>Reads the state dict of a torch checkpoint. It builds tensors and dictionaries of them and nothing else.</summary>
/// <remarks>
/// A machine with a closed set of values: five names resolve, two of them can be called, and what they build is data of this
/// file. No type, method or file is ever looked up by a name from the pickle. Protocol 2, as torch.save writes; all work is a
/// loop over the bytes, so depth and repetition cost no stack, and every count has a limit below.
/// Source: Python's pickletools; torch/serialization.py and torch/_utils.py for what a state dict contains.
/// </remarks>
internal sealed partial class RestrictedUnpickler
{
    /// <summary>Largest pickle read; those of BitVLA have 2.5 KB.</summary>
    public const int MaxPickleBytes = 1 << 20;

    private const int MaxObjects = 1 << 16;
    private const int MaxDepth = 1 << 14;
    private const int MaxMemo = 1 << 16;
    private const int MaxTextBytes = 4096;
    private const int MaxRank = 8;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly byte[] pickle;
    private readonly string file;
    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<uint, object?> memo = [];
    private int at;
    private int opcodeAt;
    private int objects;

    private RestrictedUnpickler(byte[] pickle, string file)
    {
        this.pickle = pickle;
        this.file = file;
    }

    private enum Name
    {
        OrderedDict,
        RebuildTensor,
        FloatStorage,
        BFloat16Storage,
        HalfStorage,
    }

    /// <summary>Runs a pickle and returns the tensors of the dictionary it builds, in its order.</summary>
    /// <exception cref="ArtifactException">The pickle asks for anything else, or is damaged.</exception>
    public static IReadOnlyList<(string Name, PickledTensor Tensor)> Load(byte[] pickle, string file) => new RestrictedUnpickler(pickle, file).Run();

    private List<(string Name, PickledTensor Tensor)> Run()
    {
        if (pickle.Length > MaxPickleBytes)
        {
            throw Wrong(ArtifactError.LimitExceeded, $"at most {MaxPickleBytes} bytes", $"{pickle.Length}");
        }

        if (pickle.Length < 2 || pickle[0] != 0x80)
        {
            throw Wrong(ArtifactError.BadMagic, "a pickle, which begins with 80", pickle.Length == 0 ? "nothing" : $"{pickle[0]:x2}");
        }

        if (pickle[1] != 2)
        {
            throw Wrong(ArtifactError.UnsupportedVersion, "protocol 2", $"{pickle[1]}");
        }

        at = 2;
        do
        {
            opcodeAt = at;
        }
        while (Step(Byte()));

        if (at != pickle.Length)
        {
            throw Wrong(ArtifactError.Malformed, "nothing after the end", $"{pickle.Length - at} bytes");
        }

        object? result = Pop();
        if (stack.Count != 0)
        {
            throw Wrong(ArtifactError.Malformed, "one value at the end", $"{stack.Count + 1}");
        }

        return result is PickleDict dict ? Tensors(dict) : throw Wrong(ArtifactError.WrongType, "a dictionary of tensors", Kind(result));
    }

    private List<(string, PickledTensor)> Tensors(PickleDict dict)
    {
        var tensors = new List<(string, PickledTensor)>(dict.Items.Count);
        foreach (var (name, value) in dict.Items)
        {
            tensors.Add((name, value as PickledTensor ?? throw Wrong(ArtifactError.WrongType, $"a tensor under {Shown(name)}", Kind(value))));
        }

        return tensors;
    }

    private bool Step(byte opcode)
    {
        switch ((char)opcode)
        {
            case '.':
                return false;
            case '(':
                if (marks.Count == MaxDepth)
                {
                    throw Wrong(ArtifactError.LimitExceeded, $"at most {MaxDepth} open groups", "more");
                }

                marks.Add(stack.Count);
                break;
            case 'N':
                Push(null);
                break;
            case '\x88':
                Push(true);
                break;
            case '\x89':
                Push(false);
                break;
            case 'K':
                Push((long)Byte());
                break;
            case 'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case '\x8a':
                Push(LongInteger(Byte()));
                break;
            case '\x8b':
                Push(LongInteger(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case 'X':
                Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case ')':
                Push(Array.Empty<object?>());
                break;
            case '\x85':
                Tuple(1);
                break;
            case '\x86':
                Tuple(2);
                break;
            case '\x87':
                Tuple(3);
                break;
            case 't':
                Tuple(stack.Count - PopMark());
                break;
            case '}':
                Push(new PickleDict());
                break;
            case 's':
                SetItems(stack.Count - 2);
                break;
            case 'u':
                SetItems(PopMark());
                break;
            case 'q':
                Memoize(Byte());
                break;
            case 'r':
                Memoize(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                break;
            case 'h':
                Recall(Byte());
                break;
            case 'j':
                Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                break;
            case 'c':
                Push(Resolve(Line(), Line()));
                break;
            case 'Q':
                Push(PersistentStorage());
                break;
            case 'R':
                Push(Call());
                break;
            case 'b':
                Build();
                break;
            default:
                throw Wrong(ArtifactError.UnsafePickle, "an opcode of a state dict", $"opcode {opcode:x2}");
        }

        return true;
    }

    private object Resolve(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => Name.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Name.RebuildTensor,
        ("torch", "FloatStorage") => Name.FloatStorage,
        ("torch", "BFloat16Storage") => Name.BFloat16Storage,
        ("torch", "HalfStorage") => Name.HalfStorage,
        _ => throw Wrong(ArtifactError.UnsafePickle, "OrderedDict, _rebuild_tensor_v2 or a float storage", Shown($"{module}.{name}")),
    };

    private object Call()
    {
        object? arguments = Pop();
        object? callee = Pop();
        if (callee is not Name name || arguments is not object?[] tuple)
        {
            throw Wrong(ArtifactError.UnsafePickle, "a call of OrderedDict or _rebuild_tensor_v2", $"a call of {Kind(callee)}");
        }

        return name switch
        {
            Name.OrderedDict when tuple.Length == 0 => new PickleDict(),
            Name.RebuildTensor => Tensor(tuple),
            _ => throw Wrong(ArtifactError.UnsafePickle, "a call of OrderedDict() or _rebuild_tensor_v2", $"a call of {name} with {tuple.Length} arguments"),
        };
    }

    private PickledTensor Tensor(object?[] arguments)
    {
        if (arguments is not [PickledStorage storage, long offset, object?[] size, object?[] stride, bool, PickleDict { Items.Count: 0 }])
        {
            throw Wrong(
                ArtifactError.UnsafePickle, "_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, {})", string.Join(", ", arguments.Take(8).Select(Kind)));
        }

        long[] shape = Integers(size, "size");
        long[] steps = Integers(stride, "stride");
        long elements = SourceTensor.CountElements(shape);
        if (elements < 0 || offset < 0 || offset > storage.Elements || elements > storage.Elements - offset)
        {
            throw Wrong(
                ArtifactError.BadOffset, $"a part of {storage.Elements} elements of storage {storage.Key}", $"{SourceTensor.Describe(shape)} at {offset}");
        }

        CheckContiguous(shape, steps);
        return new PickledTensor(storage.Key, storage.Type, storage.Elements, offset, shape, steps);
    }

    // As torch defines contiguous: sizes of 1 may have any stride.
    private void CheckContiguous(long[] shape, long[] stride)
    {
        if (shape.Length != stride.Length)
        {
            throw Wrong(ArtifactError.Contradiction, $"{shape.Length} strides", $"{stride.Length}");
        }

        long due = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && stride[i] != due)
            {
                throw Wrong(ArtifactError.Unsupported, $"a contiguous tensor {SourceTensor.Describe(shape)}", $"strides {SourceTensor.Describe(stride)}");
            }

            due *= Math.Max(1, shape[i]);
        }
    }

    private long[] Integers(object?[] tuple, string what)
    {
        if (tuple.Length > MaxRank)
        {
            throw Wrong(ArtifactError.LimitExceeded, $"a {what} of at most {MaxRank} numbers", $"{tuple.Length}");
        }

        return tuple.Select(value => value is long number ? number : throw Wrong(ArtifactError.WrongType, $"integers as {what}", Kind(value))).ToArray();
    }

    private PickledStorage PersistentStorage()
    {
        object? id = Pop();
        if (id is not object?[] tuple || tuple is not ["storage", Name type, string key, string, long elements])
        {
            throw Wrong(ArtifactError.UnsafePickle, "(\"storage\", type, key, location, numel)", "another persistent id");
        }

        if (elements is < 0 or > 1L << 48)
        {
            throw Wrong(ArtifactError.InvalidValue, "a count of elements", elements.ToString(CultureInfo.InvariantCulture));
        }

        return new PickledStorage(Key(key), StorageType(type), elements);
    }

    private SourceType StorageType(Name type) => type switch
    {
        Name.FloatStorage => SourceType.F32,
        Name.BFloat16Storage => SourceType.BF16,
        Name.HalfStorage => SourceType.F16,
        _ => throw Wrong(ArtifactError.UnsafePickle, "a storage type", $"{type}"),
    };

    // Keys are member names under data/; torch writes decimal numbers.
    private string Key(string key) => key.Length is > 0 and <= 20 && key.All(char.IsAsciiDigit)
        ? key
        : throw Wrong(ArtifactError.InvalidValue, "a decimal storage key", Shown(key));

    // A state dict carries _metadata as an attribute; nothing in it is wanted.
    private void Build()
    {
        object? state = Pop();
        if (Peek() is not PickleDict || state is not PickleDict { Items: [("_metadata", PickleDict)] })
        {
            throw Wrong(ArtifactError.UnsafePickle, "a dictionary's _metadata as the only state", $"state of {Kind(Peek())}");
        }
    }

    private void SetItems(int from)
    {
        if (from < 1 || from < Floor() || stack.Count < from || (stack.Count - from) % 2 != 0 || stack[from - 1] is not PickleDict dict)
        {
            throw Wrong(ArtifactError.Malformed, "a dictionary and pairs", "another stack");
        }

        for (int i = from; i < stack.Count; i += 2)
        {
            if (stack[i] is not string key)
            {
                throw Wrong(ArtifactError.UnsafePickle, "names as keys", Kind(stack[i]));
            }

            if (!dict.TryAdd(key, stack[i + 1]))
            {
                throw Wrong(ArtifactError.Duplicate, "distinct keys", Shown(key));
            }
        }

        stack.RemoveRange(from, stack.Count - from);
    }

    private void Tuple(int count)
    {
        if (count < 0 || stack.Count - count < Floor())
        {
            throw Wrong(ArtifactError.Malformed, $"{count} values", "fewer on the stack");
        }

        object?[] values = stack.GetRange(stack.Count - count, count).ToArray();
        stack.RemoveRange(stack.Count - count, count);
        Push(values);
    }

    private void Memoize(uint index)
    {
        if (memo.Count >= MaxMemo)
        {
            throw Wrong(ArtifactError.LimitExceeded, $"at most {MaxMemo} remembered values", "more");
        }

        memo[index] = Peek();
    }

    private void Recall(uint index) =>
        Push(memo.TryGetValue(index, out object? value) ? value : throw Wrong(ArtifactError.Malformed, "a remembered value", $"none under {index}"));
}
