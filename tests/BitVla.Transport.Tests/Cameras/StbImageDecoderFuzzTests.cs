using BitVla.TestKit;
using BitVla.Transport.Cameras;

namespace BitVla.Transport.Tests.Cameras;

/// <summary>Thousands of damaged files: each decodes or is refused by the one typed exception; nothing else gets out.</summary>
public sealed class StbImageDecoderFuzzTests
{
    private static readonly StbImageDecoder Decoder = new();

    // Small, so that a mutant whose size field grew costs little.
    private static readonly ImageLimits Limits = new(MaximumSide: 512);

    [Theory]
    [InlineData("baseline.jpg", 20261123)]
    [InlineData("progressive.jpg", 20261124)]
    public void Decode_MutatedJpeg_SucceedsOrIsRefused(string name, int seed) =>
        Fuzz(File.ReadAllBytes(Repository.Golden("units", "jpeg", name)), seed, mutants: 4000);

    [Theory]
    [InlineData("vla_full224", "wrist.policy224", 20261125)]
    public void Decode_MutatedGoldenPng_SucceedsOrIsRefused(string folder, string name, int seed) =>
        Fuzz(File.ReadAllBytes(Repository.Golden(folder, "inputs", name + ".png")), seed, mutants: 300);

    [Theory]
    [InlineData(0, 1, 0, 33, 20261126)]
    [InlineData(2, 8, 0, 440, 20261127)]
    [InlineData(2, 16, 1, 880, 20261128)]
    [InlineData(3, 4, 1, 99, 20261129)]
    [InlineData(6, 8, 1, 594, 20261130)]
    public void Decode_MutatedSmallPng_SucceedsOrIsRefused(int colourType, int depth, int interlace, int inflatedBytes, int seed)
    {
        // Every byte is a filter type that exists, wherever a row may begin.
        byte[] rows = [.. Enumerable.Range(0, inflatedBytes).Select(i => (byte)(i * 7 % 5))];
        byte[] palette = [.. Enumerable.Range(0, 48).Select(i => (byte)(i * 5))];
        byte[] original = PngWriter.Write(13, 11, depth, colourType, rows, palette, interlace);
        Assert.True(Survives(original, "unharmed"));
        Fuzz(original, seed, mutants: 1500);
    }

    [Fact]
    public void Decode_PngOfRandomRows_SucceedsOrIsRefused()
    {
        // The pixel data inflate well and have the right length; filters and every header field are random.
        var random = new Random(20261131);
        int[] depths = [1, 2, 4, 8, 16], colours = [0, 2, 3, 4, 6], channels = [1, 3, 1, 2, 4];
        int decoded = 0;
        for (int i = 0; i < 3000; i++)
        {
            int colour = random.Next(5), depth = depths[random.Next(5)], width = random.Next(1, 20), height = random.Next(1, 20);
            int rowBytes = 1 + (((width * depth * channels[colour]) + 7) / 8);
            byte[] rows = new byte[rowBytes * height];
            random.NextBytes(rows);
            for (int row = 0; row < height; row++)
            {
                rows[row * rowBytes] = (byte)random.Next(random.Next(8) == 0 ? 256 : 5);
            }

            byte[] palette = new byte[3 * random.Next(1, 257)];
            random.NextBytes(palette);
            decoded += Survives(PngWriter.Write(width, height, depth, colours[colour], rows, palette), $"random PNG {i}") ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{decoded} of 3000 decoded.");
        Assert.InRange(decoded, 300, 2999);
    }

    private static void Fuzz(byte[] original, int seed, int mutants)
    {
        var random = new Random(seed);
        bool isPng = original[0] == 0x89;
        int decoded = 0;
        for (int i = 0; i < mutants; i++)
        {
            byte[] mutant = Mutate(original, random);
            if (isPng && i % 4 != 0)
            {
                // Three in four get past the checksums, to the decoder behind them.
                PngWriter.MakeChecksums(mutant);
            }

            decoded += Survives(mutant, $"seed {seed}, mutant {i}") ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{decoded} of {mutants} decoded.");
    }

    private static bool Survives(byte[] file, string what)
    {
        try
        {
            Decoder.Decode("camera", file, Limits);
            return true;
        }
        catch (ImageDecodeException)
        {
            return false;
        }
#pragma warning disable CA1031 // Any other exception is what this test looks for.
        catch (Exception escaped)
#pragma warning restore CA1031
        {
            Assert.Fail($"{what}: {escaped}");
            return false;
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] file = random.Next(8) == 0 ? original[..random.Next(original.Length)] : [.. original];
        for (int change = random.Next(1, 6); change > 0 && file.Length > 0; change--)
        {
            // Half of the damage meets the headers, where the interesting branches are.
            int at = random.Next(random.Next(2) == 0 ? Math.Min(file.Length, 700) : file.Length);
            file[at] = random.Next(4) switch
            {
                0 => (byte)(file[at] ^ (1 << random.Next(8))),
                1 => 0xFF,
                2 => 0,
                _ => (byte)random.Next(256),
            };
        }

        return file;
    }
}
