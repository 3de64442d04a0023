using System.Security.Cryptography;
using System.Text.Json;
using BitVla.Model.Preprocessing;
using BitVla.TestKit;

namespace BitVla.Model.Tests.Preprocessing;

/// <summary>The round trip against libjpeg-turbo's tools, at sizes with every kind of edge (tests/goldens/units/jpeg/make.py).</summary>
public sealed class JpegRoundTripTests
{
    public static TheoryData<string, int, int, string, string> Goldens()
    {
        var rows = new TheoryData<string, int, int, string, string>();
        using var file = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("units", "jpeg", "roundtrip.json")));
        foreach (JsonElement entry in file.RootElement.EnumerateArray())
        {
            rows.Add(
                entry.GetProperty("pattern").GetString()!,
                entry.GetProperty("width").GetInt32(),
                entry.GetProperty("height").GetInt32(),
                entry.GetProperty("input").GetString()!,
                entry.GetProperty("decoded").GetString()!);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void JpegRoundTrip_SeededImage_EqualsLibjpegTurbo(string pattern, int width, int height, string input, string decoded)
    {
        byte[] image = pattern switch
        {
            "noise" => Noise(width, height),
            "smooth" => Smooth(width, height),
            _ => Blocks(width, height),
        };
        Assert.Equal(input, Convert.ToHexStringLower(SHA256.HashData(image)));
        // In place, as the preparation uses it.
        new JpegRoundTrip().Apply(image, width, height, image, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(decoded, Convert.ToHexStringLower(SHA256.HashData(image)));
    }

    [Fact]
    public void JpegRoundTrip_LengthNotOfTheSize_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new JpegRoundTrip().Apply(new byte[12], 2, 3, new byte[18], cancellation: TestContext.Current.CancellationToken));

    private static uint Next(uint state) => unchecked((state * 1664525) + 1013904223);

    private static byte[] Noise(int width, int height)
    {
        byte[] image = new byte[width * height * 3];
        uint state = ((uint)width * 65536) + (uint)height;
        for (int i = 0; i < image.Length; i++)
        {
            state = Next(state);
            image[i] = (byte)(state >> 24);
        }

        return image;
    }

    private static byte[] Smooth(int width, int height)
    {
        byte[] image = new byte[width * height * 3];
        for (int i = 0; i < width * height; i++)
        {
            int x = i % width, y = i / width;
            image[3 * i] = (byte)(x * 255 / width);
            image[(3 * i) + 1] = (byte)(y * 255 / height);
            image[(3 * i) + 2] = (byte)(((x * x) + (y * y)) / 64);
        }

        return image;
    }

    private static byte[] Blocks(int width, int height)
    {
        byte[] image = new byte[width * height * 3];
        for (int i = 0; i < width * height; i++)
        {
            uint state = Next(Next((uint)((i % width / 5 * 4099) + (i / width / 3))));
            image[3 * i] = (byte)((state >> 31) * 255);
            image[(3 * i) + 1] = (byte)(((state >> 30) & 1) * 255);
            image[(3 * i) + 2] = (byte)(((state >> 29) & 1) * 255);
        }

        return image;
    }
}
