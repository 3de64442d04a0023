using System.Text.Json;
using BitVla.Contracts;
using BitVla.Model.Preprocessing;
using BitVla.TestKit;
using BitVla.Transport.Cameras;

namespace BitVla.Model.Tests.Preprocessing;

/// <summary>The whole way of a frame against the small models' golden images, stage by stage.</summary>
public sealed class ImagePreprocessorTests
{
    // The goldens' own fp32 sums in the Lanczos resize were rounded differently. Measured: at most 4 of 150 528 bytes after
    // it and 5 after the crop; with the sums unfused 4 and 6, with sample positions in double 9 and 10.
    private const int FewBytes = 8;

    [Theory]
    [InlineData("vla_full224", "agentview")]
    [InlineData("vla_full224", "wrist")]
    [InlineData("vla_single_bf16vit", "agentview")]
    public void Prepare_RawFrame_ReachesThePolicyAndModelImages(string folder, string camera)
    {
        ImagePreprocessor preprocessor = Create(folder);
        float[] pixels = new float[preprocessor.PixelValueCount];
        preprocessor.Prepare(Load(folder, camera, "raw"), rotate180: true, pixels, cancellation: TestContext.Current.CancellationToken);
        GreyLevels.AssertClose("policy224", Load(folder, camera, "policy224").Rgb.Span, preprocessor.PolicyImage, 1, FewBytes);
        GreyLevels.AssertClose("model224", Load(folder, camera, "model224").Rgb.Span, preprocessor.CroppedImage, 1, FewBytes);
    }

    [Theory]
    [InlineData("vla_full224", 0, "agentview")]
    [InlineData("vla_full224", 1, "wrist")]
    [InlineData("vla_nano_tight", 0, "agentview")]
    [InlineData("vla_nano_tight", 1, "wrist")]
    [InlineData("vla_sharded_tied", 0, "agentview")]
    [InlineData("vla_sharded_tied", 1, "wrist")]
    [InlineData("vla_single_bf16vit", 0, "agentview")]
    public void Prepare_PolicyImage_ReachesThePixelValues(string folder, int index, string camera)
    {
        var inputs = new SafetensorsFile(Repository.Golden(folder, "inputs", "inputs.safetensors"));
        ImagePreprocessor preprocessor = Create(folder, inputs.IsBf16("pixel_values"));
        float[] pixels = new float[preprocessor.PixelValueCount];
        preprocessor.Prepare(Load(folder, camera, "policy224"), rotate180: false, pixels, cancellation: TestContext.Current.CancellationToken);
        GreyLevels.AssertClose("model224", Load(folder, camera, "model224").Rgb.Span, preprocessor.CroppedImage, 0, 0);
        Assert.Equal(inputs.Floats("pixel_values")[(index * pixels.Length)..][..pixels.Length], pixels);
    }

    [Fact]
    public void Prepare_PolicySizedFrame_OnlyRotates()
    {
        ImagePreprocessor preprocessor = Create("vla_full224", crop: false);
        CameraFrame frame = Load("vla_full224", "wrist", "policy224");
        preprocessor.Prepare(frame, rotate180: true, new float[preprocessor.PixelValueCount], cancellation: TestContext.Current.CancellationToken);
        byte[] expected = new byte[frame.Rgb.Length];
        ImageGeometry.Rotate180(frame.Rgb.Span, expected);
        Assert.Equal(expected, preprocessor.PolicyImage);
        Assert.Equal(expected, preprocessor.ModelImage);
    }

    [Fact]
    public void Prepare_FramesOfAlternatingSize_EqualFreshPreprocessors()
    {
        ImagePreprocessor shared = Create("vla_sharded_tied", crop: true);
        foreach ((int width, int height) in new[] { (97, 61), (640, 480), (3, 2), (256, 256), (1, 1), (640, 480), (224, 223) })
        {
            CameraFrame frame = Noise(width, height, seed: 7);
            float[] expected = new float[shared.PixelValueCount];
            float[] actual = new float[shared.PixelValueCount];
            Create("vla_sharded_tied", crop: true).Prepare(frame, rotate180: true, expected, cancellation: TestContext.Current.CancellationToken);
            shared.Prepare(frame, rotate180: true, actual, cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Prepare_AfterWarmUp_AllocatesNothing()
    {
        ImagePreprocessor preprocessor = Create("vla_sharded_tied", crop: true);
        CameraFrame large = Noise(320, 240, seed: 3), small = Noise(256, 256, seed: 4);
        float[] pixels = new float[preprocessor.PixelValueCount];
        preprocessor.Prepare(large, rotate180: true, pixels, cancellation: TestContext.Current.CancellationToken);
        preprocessor.Prepare(small, rotate180: false, pixels, cancellation: TestContext.Current.CancellationToken);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            preprocessor.Prepare(large, rotate180: true, pixels, cancellation: TestContext.Current.CancellationToken);
            preprocessor.Prepare(small, rotate180: false, pixels, cancellation: TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Prepare_FrameBeyondTheLimit_IsRefused()
    {
        ImagePreprocessor preprocessor = Create("vla_full224");
        var frame = new CameraFrame("wide", ImageGeometry.MaximumSide + 1, 1, new byte[(ImageGeometry.MaximumSide + 1) * 3]);
        Assert.Throws<ArgumentException>(() => preprocessor.Prepare(frame, rotate180: false, new float[preprocessor.PixelValueCount], cancellation: TestContext.Current.CancellationToken));
    }

    internal static CameraFrame Noise(int width, int height, int seed)
    {
        byte[] pixels = new byte[width * height * 3];
        new Random(seed).NextBytes(pixels);
        return new CameraFrame("noise", width, height, pixels);
    }

    private static ImagePreprocessor Create(string folder, bool roundToBf16 = true, bool? crop = null)
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden(folder, "checkpoint", "preprocessor_config.json")));
        JsonElement root = config.RootElement;
        return new ImagePreprocessor(new ImagePreprocessorOptions(
            root.GetProperty("size").GetProperty("height").GetInt32(),
            crop ?? folder != "vla_sharded_tied",
            root.GetProperty("rescale_factor").GetDouble(),
            Triple(root, "image_mean"),
            Triple(root, "image_std"),
            roundToBf16));
    }

    private static float[] Triple(JsonElement root, string name) => [.. root.GetProperty(name).EnumerateArray().Select(x => x.GetSingle())];

    private static CameraFrame Load(string folder, string camera, string stage) => new StbImageDecoder().Decode(
        camera, File.ReadAllBytes(Repository.Golden(folder, "inputs", $"{camera}.{stage}.png")), ImageLimits.Default);
}
