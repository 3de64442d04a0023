using BitVla.Contracts;
using BitVla.Format;

namespace BitVla.Parity.Tests;

/// <summary>Seeded pictures, a state inside the quantiles and one LIBERO instruction for a synthetic model.</summary>
internal static class SyntheticObservation
{
    public const string Instruction = "pick up the ketchup and place it in the basket";

    // Not the policy's 224 pixels, so that the whole image chain takes part.
    private const int Width = 250;
    private const int Height = 190;

    public static Observation For(ModelManifest manifest, int seed)
    {
        var random = new Random(seed);
        var cameras = manifest.Geometry.Cameras;
        CameraFrame[] frames = [.. cameras.Select(camera => new CameraFrame(camera.Name, Width, Height, Picture(random)))];
        var statistics = manifest.Statistics[0];
        double[] state = [.. statistics.ProprioQ01.Zip(statistics.ProprioQ99, (low, high) => low + (high - low) * random.NextDouble())];
        return new Observation(frames, state, Instruction);
    }

    // Slow gradients, a few flat rectangles and noise: smooth and sharp parts for the resizers and the JPEG round trip.
    private static byte[] Picture(Random random)
    {
        byte[] rgb = new byte[Width * Height * 3];
        int[] tint = [random.Next(256), random.Next(256), random.Next(256)];
        for (int i = 0; i < rgb.Length; i++)
        {
            int x = i / 3 % Width;
            int y = i / 3 / Width;
            rgb[i] = (byte)((tint[i % 3] + x + 2 * y + random.Next(12)) / 3 % 256);
        }

        for (int n = 0; n < 5; n++)
        {
            int left = random.Next(Width - 40);
            int top = random.Next(Height - 40);
            byte level = (byte)random.Next(256);
            for (int y = top; y < top + 40; y++)
            {
                rgb.AsSpan((y * Width + left) * 3, 120).Fill(level);
            }
        }

        return rgb;
    }
}
