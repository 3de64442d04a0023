using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using BitVla.Format;

namespace BitVla.Packing.Checkpoint;

/// <content>Bytes in, values on the stack.</content>
internal sealed partial class RestrictedUnpickler
{
    private long LongInteger(uint bytes)
    {
        if (bytes > 8)
        {
            throw Wrong(ArtifactError.LimitExceeded, "an integer of at most 8 bytes", $"{bytes}");
        }

        var little = Take((int)bytes);
        long value = bytes > 0 && (little[^1] & 0x80) != 0 ? -1 : 0;
        for (int i = little.Length - 1; i >= 0; i--)
        {
            value = value << 8 | little[i];
        }

        return value;
    }

    private string Text(uint bytes)
    {
        if (bytes > MaxTextBytes)
        {
            throw Wrong(ArtifactError.LimitExceeded, $"text of at most {MaxTextBytes} bytes", $"{bytes}");
        }

        return Decode(Take((int)bytes));
    }

    private string Line()
    {
        var rest = pickle.AsSpan(at);
        int length = rest[..Math.Min(rest.Length, MaxTextBytes)].IndexOf((byte)'\n');
        if (length < 0)
        {
            throw Wrong(ArtifactError.Truncated, "a line", "no end of line");
        }

        at += length + 1;
        return Decode(rest[..length]);
    }

    private string Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong(ArtifactError.Malformed, "UTF-8 text", "other bytes");
        }
    }

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(int count)
    {
        if (pickle.Length - at < count)
        {
            throw Wrong(ArtifactError.Truncated, $"{count} bytes", $"{pickle.Length - at}");
        }

        at += count;
        return pickle.AsSpan(at - count, count);
    }

    private void Push(object? value)
    {
        if (++objects > MaxObjects || stack.Count >= MaxDepth)
        {
            throw Wrong(ArtifactError.LimitExceeded, $"at most {MaxObjects} values, {MaxDepth} at a time", "more");
        }

        stack.Add(value);
    }

    private object? Pop()
    {
        object? value = Peek();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    private object? Peek() => stack.Count > Floor() ? stack[^1] : throw Wrong(ArtifactError.Malformed, "a value", "an empty stack");

    // Values below the innermost mark belong to whoever closes it.
    private int Floor() => marks.Count == 0 ? 0 : marks[^1];

    private int PopMark()
    {
        if (marks.Count == 0)
        {
            throw Wrong(ArtifactError.Malformed, "an open group", "none");
        }

        int height = marks[^1];
        marks.RemoveAt(marks.Count - 1);
        return height;
    }

    private ArtifactException Wrong(ArtifactError error, string expected, string found) => new(error, file, "data.pkl", expected, found, opcodeAt);

    private static string Shown(string text)
    {
        const int MaxShown = 80;
        string safe = string.Concat(text.Take(MaxShown).Select(c => char.IsControl(c) ? '?' : c));
        return text.Length > MaxShown ? safe + "…" : safe;
    }

    private static string Kind(object? value) => value switch
    {
        null => "None",
        bool => "a boolean",
        long => "an integer",
        string => "a string",
        object?[] => "a tuple",
        PickleDict => "a dictionary",
        PickledTensor => "a tensor",
        PickledStorage => "a storage",
        Name name => $"{name}",
        _ => "a value",
    };

    private sealed record PickledStorage(string Key, SourceType Type, long Elements);

    private sealed class PickleDict
    {
        private HashSet<string>? keys;

        public List<(string Key, object? Value)> Items { get; } = [];

        public bool TryAdd(string key, object? value)
        {
            keys ??= new HashSet<string>(StringComparer.Ordinal);
            if (!keys.Add(key))
            {
                return false;
            }

            Items.Add((key, value));
            return true;
        }
    }
}
