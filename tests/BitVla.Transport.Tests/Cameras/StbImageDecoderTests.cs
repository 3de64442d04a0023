using System.Buffers.Binary;
using BitVla.Contracts;
using BitVla.TestKit;
using BitVla.Transport.Cameras;

namespace BitVla.Transport.Tests.Cameras;

public sealed class StbImageDecoderTests
{
    private const int Width = 5;
    private const int Height = 3;
    private static readonly StbImageDecoder Decoder = new();
    private static readonly byte[] Grey = [.. Enumerable.Range(0, Width * Height).Select(x => (byte)(x * 17))];
    private static readonly byte[] Rgb = [.. Enumerable.Range(0, Width * Height * 3).Select(x => (byte)(x * 5))];
    private static readonly byte[] GreyAsRgb = [.. Grey.SelectMany(x => new[] { x, x, x })];

    [Theory]
    [InlineData("vla_full224", "agentview.raw", 256)]
    [InlineData("vla_full224", "wrist.policy224", 224)]
    public void Decode_GoldenPng_HasItsSizeAndName(string folder, string name, int side)
    {
        CameraFrame frame = Decode(File.ReadAllBytes(Repository.Golden(folder, "inputs", name + ".png")));
        Assert.Equal(("camera", side, side), (frame.Camera, frame.Width, frame.Height));
        Assert.True(frame.Rgb.ToArray().Distinct().Count() > 100);
    }

    [Fact]
    public void Decode_RgbPng_ReturnsItsPixels() =>
        AssertPixels(Rgb, PngWriter.Write(Width, Height, 8, 2, PngWriter.Unfiltered(Rgb, Width * 3)));

    [Fact]
    public void Decode_PngWithAlpha_DropsAlpha()
    {
        byte[] rgba = [.. Rgb.Chunk(3).SelectMany((pixel, i) => (byte[])[.. pixel, (byte)(i * 16)])];
        AssertPixels(Rgb, PngWriter.Write(Width, Height, 8, 6, PngWriter.Unfiltered(rgba, Width * 4)));
    }

    [Fact]
    public void Decode_GreyPng_RepeatsTheLevel() =>
        AssertPixels(GreyAsRgb, PngWriter.Write(Width, Height, 8, 0, PngWriter.Unfiltered(Grey, Width)));

    [Fact]
    public void Decode_GreyPngWithAlpha_RepeatsTheLevel()
    {
        byte[] pairs = [.. Grey.SelectMany(x => new[] { x, (byte)128 })];
        AssertPixels(GreyAsRgb, PngWriter.Write(Width, Height, 8, 4, PngWriter.Unfiltered(pairs, Width * 2)));
    }

    [Fact]
    public void Decode_PngOf16Bits_KeepsTheUpperByte()
    {
        byte[] wide = [.. Rgb.SelectMany(x => new[] { x, (byte)0xC3 })];
        AssertPixels(Rgb, PngWriter.Write(Width, Height, 16, 2, PngWriter.Unfiltered(wide, Width * 6)));
    }

    [Fact]
    public void Decode_PalettePng_LooksUpTheColour()
    {
        byte[] indices = [.. Enumerable.Range(0, Width * Height).Select(x => (byte)x)];
        AssertPixels(Rgb, PngWriter.Write(Width, Height, 8, 3, PngWriter.Unfiltered(indices, Width), palette: Rgb));
    }

    [Fact]
    public void Decode_InterlacedPng_PutsPixelsInPlace()
    {
        // Adam7 of a 2x2 image: passes 1, 6 and 7 hold (0,0); (1,0); (0,1) and (1,1).
        byte[] rows = [0, 10, 0, 20, 0, 30, 40];
        CameraFrame frame = Decode(PngWriter.Write(2, 2, 8, 0, rows, interlace: 1));
        Assert.Equal([10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40], frame.Rgb.ToArray());
    }

    [Theory]
    [InlineData("baseline")]
    [InlineData("progressive")]
    public void Decode_Jpeg_IsNearLibjpeg(string name)
    {
        CameraFrame frame = Decode(File.ReadAllBytes(Repository.Golden("units", "jpeg", name + ".jpg")));
        byte[] expected = File.ReadAllBytes(Repository.Golden("units", "jpeg", name + ".rgb"));
        Assert.Equal((33, 17), (frame.Width, frame.Height));
        int largest = expected.Zip(frame.Rgb.ToArray(), (a, b) => Math.Abs(a - b)).Max();
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: largest difference {largest}.");
        Assert.True(largest <= 3, $"{largest}");
    }

    [Fact]
    public void Decode_SliceOfALargerBuffer_ReadsOnlyTheSlice()
    {
        byte[] png = PngWriter.Write(Width, Height, 8, 2, PngWriter.Unfiltered(Rgb, Width * 3));
        byte[] padded = [1, 2, 3, .. png, 4, 5];
        CameraFrame frame = Decoder.Decode("camera", padded.AsMemory(3, png.Length), ImageLimits.Default);
        Assert.Equal(Rgb, frame.Rgb.ToArray());
    }

    [Fact]
    public void Decode_PngHeaderOf20000_IsRefusedBeforeAllocating()
    {
        byte[] bomb = PngWriter.Write(20000, 20000, 8, 2, []);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<ImageDecodeException>(() => Decode(bomb));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Equal("20000x20000", refusal.Found);
    }

    [Fact]
    public void Decode_JpegHeaderOf20000_IsRefused()
    {
        byte[] jpeg = File.ReadAllBytes(Repository.Golden("units", "jpeg", "baseline.jpg"));
        int frame = jpeg.AsSpan().IndexOf(new byte[] { 0xFF, 0xC0 });
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 20000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 20000);
        Assert.Equal("20000x20000", Assert.Throws<ImageDecodeException>(() => Decode(jpeg)).Found);
    }

    [Theory]
    [InlineData(-1, 4)]
    [InlineData(4, int.MinValue)]
    [InlineData(0, 4)]
    [InlineData(4097, 1)]
    public void Decode_PngSideOutOfRange_IsRefused(int width, int height) =>
        Assert.Throws<ImageDecodeException>(() => Decode(PngWriter.Write(width, height, 8, 2, [])));

    [Fact]
    public void Decode_PngWithDataForALargerImage_IsRefusedWithoutInflatingIt()
    {
        // 64 MB of zeros behind a header that promises five by three pixels.
        byte[] bomb = PngWriter.Write(Width, Height, 8, 2, new byte[64 << 20]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<ImageDecodeException>(() => Decode(bomb));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * bomb.Length);
        Assert.Equal("more", refusal.Found);
    }

    [Fact]
    public void Decode_JpegOfManyScans_IsRefused()
    {
        byte[] jpeg = File.ReadAllBytes(Repository.Golden("units", "jpeg", "progressive.jpg"));
        byte[] bomb = [.. jpeg, .. Enumerable.Repeat(new byte[] { 0xFF, 0xDA }, ImageLimits.MaximumJpegScans).SelectMany(x => x)];
        Assert.Contains("scans", Assert.Throws<ImageDecodeException>(() => Decode(bomb)).Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_MoreBytesThanTheLimit_IsRefused()
    {
        byte[] png = PngWriter.Write(Width, Height, 8, 2, PngWriter.Unfiltered(Rgb, Width * 3));
        Assert.Throws<ImageDecodeException>(() => Decoder.Decode("camera", png, new ImageLimits(MaximumEncodedBytes: png.Length - 1)));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0xFF, 0xD8 })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF })]
    [InlineData(new byte[] { 0xFF, 0xD8, 0xFF, 0xD9 })]
    [InlineData(new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A })]
    [InlineData(new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0 })]
    [InlineData(new byte[] { 0x42, 0x4D, 0, 0, 0, 0 })]
    public void Decode_NoImage_IsRefused(byte[] bytes) => Assert.Throws<ImageDecodeException>(() => Decode(bytes));

    private static void AssertPixels(byte[] expected, byte[] file)
    {
        CameraFrame frame = Decode(file);
        Assert.Equal((Width, Height), (frame.Width, frame.Height));
        Assert.Equal(expected, frame.Rgb.ToArray());
    }

    private static CameraFrame Decode(byte[] file) => Decoder.Decode("camera", file, ImageLimits.Default);
}
