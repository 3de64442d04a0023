using System.Text.Json;
using BitVla.Model.Preprocessing;
using BitVla.TestKit;

namespace BitVla.Model.Tests.Preprocessing;

/// <summary>Each stage alone against tests/goldens/units/image.safetensors (see the goldens' README for their making).</summary>
public sealed class ImageStageTests
{
    private static readonly SafetensorsFile Goldens = new(Repository.Golden("units", "image.safetensors"));

    [Fact]
    public void JpegRoundTrip_GoldenOf96_EqualsEveryByte()
    {
        byte[] result = new byte[96 * 96 * 3];
        new JpegRoundTrip().Apply(Goldens.Bytes("jpeg96.in"), 96, 96, result, cancellation: TestContext.Current.CancellationToken);
        GreyLevels.AssertClose("jpeg96", Goldens.Bytes("jpeg96.roundtrip_q95_420"), result, 0, 0);
    }

    [Fact]
    public void LanczosResizer_GoldenOf96To84_DiffersInFewBytesByOne()
    {
        byte[] result = new byte[84 * 84 * 3];
        new LanczosResizer(84).Apply(Goldens.Bytes("lanczos3_96_to_84.in"), 96, 96, result, cancellation: TestContext.Current.CancellationToken);
        GreyLevels.AssertClose("lanczos 96 to 84", Goldens.Bytes("lanczos3_96_to_84.out_u8"), result, 1, 2);
    }

    [Fact]
    public void CenterCrop_GoldenOf96To64_EqualsEveryByte()
    {
        byte[] result = new byte[64 * 64 * 3];
        new CenterCrop(96, 64).Apply(Goldens.Bytes("crop90_96_to_64.in"), result);
        GreyLevels.AssertClose("crop 96 to 64", Goldens.Bytes("crop90_96_to_64.out_u8"), result, 0, 0);
    }

    [Fact]
    public void CenterCrop_GoldenOf96To64_EqualsEveryFloat()
    {
        var crop = new CenterCrop(96, 64);
        byte[] image = Goldens.Bytes("crop90_96_to_64.in");
        float[] expected = Goldens.Floats("crop90_96_to_64.out_f32");
        float[] actual = [.. Enumerable.Range(0, expected.Length).Select(i => crop.Sample(image, i / 3 % 64, i / 3 / 64, i % 3))];
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData("bicubic_60x44_to_84")]
    [InlineData("bicubic_64x64_to_56")]
    [InlineData("bicubic_90x120_to_56")]
    public void BicubicResizer_Golden_EqualsEveryByte(string name)
    {
        int[] shape = Goldens.Shape(name + ".in");
        int side = Goldens.Shape(name + ".out_u8")[0];
        byte[] result = new byte[side * side * 3];
        new BicubicResizer(shape[1], shape[0], side).Apply(Goldens.Bytes(name + ".in"), result);
        GreyLevels.AssertClose(name, Goldens.Bytes(name + ".out_u8"), result, 0, 0);
    }

    [Fact]
    public void BicubicResizer_SameSize_IsIdentity()
    {
        byte[] image = Goldens.Bytes("bicubic_64x64_to_56.in");
        byte[] result = new byte[image.Length];
        new BicubicResizer(64, 64, 64).Apply(image, result);
        Assert.Equal(image, result);
    }

    [Theory]
    [InlineData(false, "pixel_value_of_byte")]
    [InlineData(true, "pixel_value_of_byte_bf16")]
    public void PixelNormalizer_EveryByte_EqualsGolden(bool roundToBf16, string name)
    {
        using var scalars = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("units", "scalar.json")));
        float[] expected = [.. scalars.RootElement.GetProperty(name).EnumerateArray().Select(x => x.GetSingle())];
        byte[] image = [.. Enumerable.Range(0, 256).SelectMany(x => new[] { (byte)x, (byte)(255 - x), (byte)x })];
        float[] result = new float[image.Length];
        new PixelNormalizer(0.00392156862745098, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f], roundToBf16).Apply(image, result);
        Assert.Equal(expected, result[..256]);
        Assert.Equal(expected.Reverse(), result[256..512]);
        Assert.Equal(expected, result[512..]);
    }

    [Fact]
    public void PixelNormalizer_ZeroDeviation_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new PixelNormalizer(1.0 / 255, [0.5f, 0.5f, 0.5f], [0.5f, 0f, 0.5f]));

    [Fact]
    public void Rotate180_TwoByThree_ReversesPixelsNotChannels()
    {
        byte[] image = [.. Enumerable.Range(0, 18).Select(x => (byte)x)];
        byte[] result = new byte[18];
        ImageGeometry.Rotate180(image, result);
        Assert.Equal([15, 16, 17, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2], result);
    }
}
