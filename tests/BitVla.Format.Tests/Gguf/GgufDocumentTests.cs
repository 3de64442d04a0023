using BitVla.Format.Gguf;

namespace BitVla.Format.Tests.Gguf;

public unsafe class GgufDocumentTests
{
    private const uint U32Type = 4;
    private const uint BoolType = 7;
    private const uint StringType = 8;
    private const uint ArrayType = 9;
    private const uint F32Tensor = 0;
    private const ulong Huge = 1UL << 60;

    public static TheoryData<string, byte[], ArtifactError> Hostile()
    {
        var data = new TheoryData<string, byte[], ArtifactError>();
        void Add(string what, RawGguf raw, ArtifactError error) => data.Add(what, raw.ToArray(), error);

        Add("no bytes", new RawGguf(), ArtifactError.BadMagic);
        Add("another magic", new RawGguf().U32(0x12345678).U32(3).U64(0).U64(0), ArtifactError.BadMagic);
        Add("version 2", RawGguf.Header(0, 0, version: 2), ArtifactError.UnsupportedVersion);
        Add("2^60 tensors", RawGguf.Header(Huge, 0), ArtifactError.LimitExceeded);
        Add("2^60 keys", RawGguf.Header(0, Huge), ArtifactError.LimitExceeded);
        Add("more keys than bytes", RawGguf.Header(0, 4000), ArtifactError.Truncated);
        Add("a key of 2^60 bytes", RawGguf.Header(0, 1).U64(Huge).Zeros(64), ArtifactError.LimitExceeded);
        Add("a key that is not UTF-8", RawGguf.Header(0, 1).U64(2).Raw(0xC3, 0x28).U32(U32Type).U32(1), ArtifactError.Malformed);
        Add("an empty key", RawGguf.Header(0, 1).String("").U32(U32Type).U32(1).Zeros(8), ArtifactError.Malformed);
        Add("an unknown type", RawGguf.Header(0, 1).String("k").U32(13).Zeros(64), ArtifactError.WrongType);
        Add("a string of 2^60 bytes", RawGguf.Header(0, 1).String("k").U32(StringType).U64(Huge).Zeros(64), ArtifactError.LimitExceeded);
        Add("a string past the end", RawGguf.Header(0, 1).String("k").U32(StringType).U64(1000).Zeros(64), ArtifactError.Truncated);
        Add("an array of 2^60", RawGguf.Header(0, 1).String("k").U32(ArrayType).U32(U32Type).U64(Huge).Zeros(64), ArtifactError.Truncated);
        Add("an array whose bytes wrap", RawGguf.Header(0, 1).String("k").U32(ArrayType).U32(U32Type).U64(ulong.MaxValue / 4 + 2).Zeros(64), ArtifactError.Truncated);
        Add("an array of arrays", RawGguf.Header(0, 1).String("k").U32(ArrayType).U32(ArrayType).U64(1).Zeros(64), ArtifactError.Unsupported);
        Add("one key twice", RawGguf.Header(0, 2).String("k").U32(U32Type).U32(1).String("k").U32(U32Type).U32(1).Zeros(64), ArtifactError.Duplicate);
        Add("an alignment of 48", RawGguf.Header(0, 1).String("general.alignment").U32(U32Type).U32(48).Zeros(64), ArtifactError.InvalidValue);
        Add("no dimensions", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 0).Zeros(64), ArtifactError.WrongShape);
        Add("five dimensions", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 0, 1, 1, 1, 1, 1).Zeros(64), ArtifactError.WrongShape);
        Add("a size of zero", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 0, 0).Zeros(64), ArtifactError.WrongShape);
        Add("a product that wraps", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 0, 1UL << 32, 1UL << 32).Zeros(64), ArtifactError.Truncated);
        Add("a negative size", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 0, ulong.MaxValue).Zeros(64), ArtifactError.WrongShape);
        Add("an unknown tensor type", RawGguf.Header(1, 0).Tensor("t", 99, 0, 1).Zeros(64), ArtifactError.WrongType);
        Add("data at 2^60", RawGguf.Header(1, 0).Tensor("t", F32Tensor, Huge, 1).Zeros(64), ArtifactError.Truncated);
        Add("data past the end", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 0, 64).Zeros(64), ArtifactError.Truncated);
        Add("data off its alignment", RawGguf.Header(1, 0).Tensor("t", F32Tensor, 4, 1).Zeros(128), ArtifactError.BadOffset);
        Add("one tensor twice", RawGguf.Header(2, 0).Tensor("t", F32Tensor, 0, 1).Tensor("t", F32Tensor, 32, 1).Zeros(128), ArtifactError.Duplicate);
        Add("a name of 64 bytes", RawGguf.Header(1, 0).Tensor(new string('x', 64), F32Tensor, 0, 1).Zeros(64), ArtifactError.LimitExceeded);
        return data;
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Parse_HostileDirectory_IsRefusedByNameWithoutAllocating(string what, byte[] bytes, ArtifactError expected)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var wrong = Assert.Throws<ArtifactException>(() => Parse(bytes));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(expected, wrong.Error);
        Assert.Equal("memory", wrong.File);
        Assert.True(allocated < 1 << 18, $"{what}: {allocated} bytes allocated");
    }

    [Fact]
    public void Parse_TruncatedAnywhere_IsRefused()
    {
        byte[] whole = RawGguf.Header(1, 2).String("a").U32(U32Type).U32(7).String("s").U32(StringType).String("text").Tensor("t", F32Tensor, 0, 4).Zeros(64).ToArray();
        Assert.Single(Parse(whole).Tensors);
        int end = checked((int)(Parse(whole).Tensors[0].Offset + 16));
        for (int length = 0; length < end; length++)
        {
            Assert.Throws<ArtifactException>(() => Parse(whole[..length]));
        }
    }

    [Fact]
    public void Bool_AnythingButZeroOrOne_IsRefused()
    {
        var document = Parse(RawGguf.Header(0, 1).String("k").U32(BoolType).Raw(2).Zeros(64).ToArray(), out var hold);
        Assert.Equal(ArtifactError.InvalidValue, Assert.Throws<ArtifactException>(() => document.Bool("k")).Error);
        Assert.Equal(ArtifactError.WrongType, Assert.Throws<ArtifactException>(() => document.String("k")).Error);
        Assert.Equal(ArtifactError.Missing, Assert.Throws<ArtifactException>(() => document.Bool("absent")).Error);
        hold.Free();
    }

    [Fact]
    public void StringArray_OfSeveral_ComesBack()
    {
        var document = Parse(RawGguf.Header(0, 1).String("k").U32(ArrayType).U32(StringType).U64(3).String("a").String("").String("çé").Zeros(64).ToArray(), out var hold);
        Assert.Equal(["a", "", "çé"], document.StringArray("k", 3));
        Assert.Equal(ArtifactError.LimitExceeded, Assert.Throws<ArtifactException>(() => document.StringArray("k", 2)).Error);
        hold.Free();
    }

    private static GgufDocument Parse(byte[] bytes)
    {
        fixed (byte* start = bytes)
        {
            return GgufDocument.Parse(start, bytes.Length, "memory");
        }
    }

    // Pins the bytes, which the document goes on reading.
    private static GgufDocument Parse(byte[] bytes, out System.Runtime.InteropServices.GCHandle hold)
    {
        hold = System.Runtime.InteropServices.GCHandle.Alloc(bytes, System.Runtime.InteropServices.GCHandleType.Pinned);
        return GgufDocument.Parse((byte*)hold.AddrOfPinnedObject(), bytes.Length, "memory");
    }
}
