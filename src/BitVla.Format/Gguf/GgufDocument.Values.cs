using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace BitVla.Format.Gguf;

/// <content>Typed access to metadata values; a wrong type, range or count is an <see cref="ArtifactException"/>.</content>
public sealed unsafe partial class GgufDocument
{
    /// <summary>Whether a key exists.</summary>
    public bool Has(string key) => metadata.ContainsKey(key);

    /// <summary>The place of a key's value.</summary>
    public bool TryGet(string key, out GgufValue value) => metadata.TryGetValue(key, out value);

    /// <summary>The place of a key's value, of a type.</summary>
    /// <exception cref="ArtifactException">The key is missing or has another type.</exception>
    public GgufValue Require(string key, GgufValueType type)
    {
        if (!metadata.TryGetValue(key, out var value))
        {
            throw Wrong(ArtifactError.Missing, key, $"a value of type {type}", "no such key", null);
        }

        if (value.Type != type)
        {
            throw Wrong(ArtifactError.WrongType, key, type.ToString(), value.Type.ToString(), value.Offset);
        }

        return value;
    }

    /// <summary>The place of an array's elements.</summary>
    /// <exception cref="ArtifactException">The key is missing or is not an array of that type.</exception>
    public GgufValue RequireArray(string key, GgufValueType elementType)
    {
        var value = Require(key, GgufValueType.Array);
        if (value.ElementType != elementType)
        {
            throw Wrong(ArtifactError.WrongType, key, $"an array of {elementType}", $"an array of {value.ElementType}", value.Offset);
        }

        return value;
    }

    /// <summary>A u32 that must lie in a range.</summary>
    public int UInt32(string key, int min, int max)
    {
        var value = Require(key, GgufValueType.UInt32);
        uint number = MemoryMarshal.Read<uint>(Bytes(value));
        if (number < min || number > max)
        {
            throw Wrong(ArtifactError.InvalidValue, key, $"{min} to {max}", number.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        return (int)number;
    }

    /// <summary>A u64.</summary>
    public ulong UInt64(string key) => MemoryMarshal.Read<ulong>(Bytes(Require(key, GgufValueType.UInt64)));

    /// <summary>A finite positive f32.</summary>
    public float PositiveFloat32(string key)
    {
        var value = Require(key, GgufValueType.Float32);
        float number = MemoryMarshal.Read<float>(Bytes(value));
        if (!float.IsFinite(number) || number <= 0)
        {
            throw Wrong(ArtifactError.InvalidValue, key, "a finite positive number", number.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        return number;
    }

    /// <summary>A finite f64.</summary>
    public double Float64(string key)
    {
        var value = Require(key, GgufValueType.Float64);
        double number = MemoryMarshal.Read<double>(Bytes(value));
        if (!double.IsFinite(number))
        {
            throw Wrong(ArtifactError.NonFinite, key, "a finite number", number.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        return number;
    }

    /// <summary>A bool.</summary>
    public bool Bool(string key)
    {
        var value = Require(key, GgufValueType.Bool);
        byte raw = *(data + value.Offset);
        return raw switch
        {
            0 => false,
            1 => true,
            _ => throw Wrong(ArtifactError.InvalidValue, key, "0 or 1", raw.ToString(CultureInfo.InvariantCulture), value.Offset),
        };
    }

    /// <summary>A string.</summary>
    public string String(string key)
    {
        var value = Require(key, GgufValueType.String);
        return DecodeUtf8(Bytes(value), key, value.Offset);
    }

    /// <summary>An array of finite f64 of a known length; null length takes any up to 4096.</summary>
    public double[] Float64Array(string key, int? count)
    {
        var value = RequireCount(key, GgufValueType.Float64, count);
        var numbers = MemoryMarshal.Cast<byte, double>(Bytes(value)).ToArray();
        if (Array.FindIndex(numbers, n => !double.IsFinite(n)) is >= 0 and var bad)
        {
            throw Wrong(ArtifactError.NonFinite, key, "finite numbers", $"{numbers[bad]} at index {bad}", value.Offset);
        }

        return numbers;
    }

    /// <summary>An array of bool of a known length.</summary>
    public bool[] BoolArray(string key, int? count)
    {
        var value = RequireCount(key, GgufValueType.Bool, count);
        var raw = Bytes(value);
        if (raw.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var bad)
        {
            throw Wrong(ArtifactError.InvalidValue, key, "0 or 1", raw[bad].ToString(CultureInfo.InvariantCulture), value.Offset + bad);
        }

        var flags = new bool[raw.Length];
        for (int i = 0; i < flags.Length; i++)
        {
            flags[i] = raw[i] != 0;
        }

        return flags;
    }

    /// <summary>An array of at most <paramref name="limit"/> strings.</summary>
    public string[] StringArray(string key, int limit)
    {
        var value = RequireArray(key, GgufValueType.String);
        if (value.Count > limit)
        {
            throw Wrong(ArtifactError.LimitExceeded, key, $"at most {limit} strings", value.Count.ToString(CultureInfo.InvariantCulture), value.Offset);
        }

        var strings = new string[value.Count];
        long place = value.Offset;
        for (int i = 0; i < strings.Length; i++)
        {
            int bytes = (int)BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(data + place, 8));
            strings[i] = DecodeUtf8(new ReadOnlySpan<byte>(data + place + 8, bytes), key, place);
            place += 8 + bytes;
        }

        return strings;
    }

    /// <summary>The bytes of a value.</summary>
    public ReadOnlySpan<byte> Bytes(GgufValue value) => new(data + value.Offset, checked((int)value.Bytes));

    /// <summary>Creates the exception for something wrong in this file.</summary>
    public ArtifactException Wrong(ArtifactError error, string field, string expected, string found, long? offset) =>
        new(error, File, field, expected, found, offset);

    private GgufValue RequireCount(string key, GgufValueType type, int? count)
    {
        var value = RequireArray(key, type);
        if (count is { } wanted ? value.Count != wanted : value.Count > 4096)
        {
            throw Wrong(ArtifactError.WrongShape, key, count is { } w ? $"{w} values" : "at most 4096 values", $"{value.Count}", value.Offset);
        }

        return value;
    }
}
