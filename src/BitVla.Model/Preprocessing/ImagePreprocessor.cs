using BitVla.Contracts;

namespace BitVla.Model.Preprocessing;

/// <summary>What the model file says about image preparation.</summary>
/// <param name="ModelImageSize">Side of the vision tower's input, in pixels (preprocessor_config.json, size).</param>
/// <param name="CenterCrop">Whether the middle 90 % of the area is cut out, as in the authors' evaluation.</param>
/// <param name="Rescale">Factor from a grey level to the unit interval.</param>
/// <param name="Mean">Three means, red first.</param>
/// <param name="Deviation">Three standard deviations, red first.</param>
/// <param name="RoundToBf16">Whether pixel values pass through bf16; the authors' action path always does.</param>
public sealed record ImagePreprocessorOptions(
    int ModelImageSize,
    bool CenterCrop,
    double Rescale,
    ReadOnlyMemory<float> Mean,
    ReadOnlyMemory<float> Deviation,
    bool RoundToBf16 = true);

/// <summary>The way of one camera frame into the vision tower.</summary>
/// <remarks>
/// rotate -> JPEG round trip and Lanczos to 224 (skipped for a frame that is 224x224 already) -> centre crop -> bicubic
/// to the model's size -> normalise. After a call the last image of each stage can be read for tracing.
/// Numerics: the same bits on every processor. One instance serves one thread; a call allocates nothing unless its frame
/// exceeds every frame before in a side.
/// Source: get_libero_image and prepare_images_for_vla, ustcwhy/BitVLA, openvla-oft/experiments/robot.
/// </remarks>
public sealed class ImagePreprocessor
{
    /// <summary>Side of the image the authors' policy code works on, whatever the vision tower takes.</summary>
    /// <remarks>Units: pixels.</remarks>
    public const int PolicyImageSize = 224;

    private const int PolicyBytes = PolicyImageSize * PolicyImageSize * ImageGeometry.Channels;

    private readonly JpegRoundTrip _jpeg = new();
    private readonly LanczosResizer _lanczos = new(PolicyImageSize);
    private readonly CenterCrop? _crop;
    private readonly BicubicResizer _bicubic;
    private readonly PixelNormalizer _normalizer;
    private readonly byte[] _policy = new byte[PolicyBytes];
    private readonly byte[] _cropped;
    private readonly byte[] _resized;
    private byte[] _work = [];

    /// <summary>Prepares the stages.</summary>
    /// <exception cref="ArgumentException">The options cannot be met; the message names the value.</exception>
    public ImagePreprocessor(ImagePreprocessorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ModelImageSize = options.ModelImageSize;
        _bicubic = new BicubicResizer(PolicyImageSize, PolicyImageSize, options.ModelImageSize);
        _normalizer = new PixelNormalizer(options.Rescale, options.Mean.Span, options.Deviation.Span, options.RoundToBf16);
        _crop = options.CenterCrop ? new CenterCrop(PolicyImageSize, PolicyImageSize) : null;
        // A stage that does nothing shares its neighbour's memory.
        _cropped = options.CenterCrop ? new byte[PolicyBytes] : _policy;
        _resized = options.ModelImageSize == PolicyImageSize
            ? _cropped
            : new byte[options.ModelImageSize * options.ModelImageSize * ImageGeometry.Channels];
    }

    /// <summary>Side of the vision tower's input.</summary>
    /// <remarks>Units: pixels.</remarks>
    public int ModelImageSize { get; }

    /// <summary>How many values one image becomes: 3 x side x side.</summary>
    public int PixelValueCount => ModelImageSize * ModelImageSize * ImageGeometry.Channels;

    /// <summary>The last frame after rotation, JPEG round trip and Lanczos resize.</summary>
    /// <remarks>Shape: u8 [224, 224, 3]. Units: grey levels. Overwritten by the next call.</remarks>
    public ReadOnlySpan<byte> PolicyImage => _policy;

    /// <summary>The last frame after the centre crop; the policy image when there is none.</summary>
    /// <remarks>Shape: u8 [224, 224, 3]. Units: grey levels. Overwritten by the next call.</remarks>
    public ReadOnlySpan<byte> CroppedImage => _cropped;

    /// <summary>The last frame at the vision tower's size.</summary>
    /// <remarks>Shape: u8 [side, side, 3]. Units: grey levels. Overwritten by the next call.</remarks>
    public ReadOnlySpan<byte> ModelImage => _resized;

    /// <summary>Prepares one frame.</summary>
    /// <remarks>
    /// Shape: frame u8 [H, W, 3], pixelValues f32 [3, side, side].
    /// Units: grey levels in, normalised pixel values out.
    /// </remarks>
    /// <exception cref="ArgumentException">The frame is larger than the limit or pixelValues has another length.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled: a frame of the largest size takes a second.</exception>
    public void Prepare(CameraFrame frame, bool rotate180, Span<float> pixelValues, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ImageGeometry.CheckImage(frame.Width, frame.Height, frame.Rgb.Length, nameof(frame));
        if (pixelValues.Length != PixelValueCount)
        {
            throw new ArgumentException($"One image has {PixelValueCount} pixel values, found room for {pixelValues.Length}.", nameof(pixelValues));
        }

        if (frame.Width == PolicyImageSize && frame.Height == PolicyImageSize)
        {
            // The authors take an image of this size as already resized, so it meets no JPEG here.
            Orient(frame.Rgb.Span, rotate180, _policy);
        }
        else
        {
            ImageGeometry.Grow(ref _work, frame.Rgb.Length);
            Span<byte> work = _work.AsSpan(0, frame.Rgb.Length);
            Orient(frame.Rgb.Span, rotate180, work);
            _jpeg.Apply(work, frame.Width, frame.Height, work, cancellation);
            _lanczos.Apply(work, frame.Width, frame.Height, _policy, cancellation);
        }

        _crop?.Apply(_policy, _cropped);
        if (_resized != _cropped)
        {
            _bicubic.Apply(_cropped, _resized);
        }

        _normalizer.Apply(_resized, pixelValues);
    }

    private static void Orient(ReadOnlySpan<byte> source, bool rotate180, Span<byte> target)
    {
        if (rotate180)
        {
            ImageGeometry.Rotate180(source, target);
        }
        else
        {
            source.CopyTo(target);
        }
    }
}
