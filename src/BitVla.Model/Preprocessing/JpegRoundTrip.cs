namespace BitVla.Model.Preprocessing;

/// <summary>What a JPEG file of quality 95 would have done to an image, without making the file.</summary>
/// <remarks>
/// The authors' policy was trained on images that went through a JPEG file; the losses are part of its input. Entropy
/// coding is lossless, so encoding stops at the quantised coefficients and decoding starts there.
/// Numerics: integers only, the same bytes as libjpeg-turbo with 4:2:0 chroma, the accurate forward DCT, the fast inverse
/// DCT and triangle ("fancy") up-sampling, which are the settings of tf.io.encode_jpeg and tf.io.decode_image.
/// One instance serves one thread. Scratch grows to the largest image seen and is kept.
/// Source: resize_image_for_policy, ustcwhy/BitVLA, openvla-oft/experiments/robot/openvla_utils.py; ITU-T T.81 annexes A and K;
/// fixed-point conventions of the Independent JPEG Group's library.
/// </remarks>
public sealed class JpegRoundTrip
{
    /// <summary>The quality of the round trip, on libjpeg's scale.</summary>
    public const int Quality = 95;

    private const int BlockSide = 8;

    // Colour conversion constants carry 16 fractional bits; each is the rounded value of the factor in the comment.
    private const int ColourBits = 16;
    private const int ColourHalf = 1 << (ColourBits - 1);
    private const int ChromaCentre = 128;

    // ITU-T T.81 tables K.1 and K.2, in row order.
    private static ReadOnlySpan<byte> LumaQuantisation =>
    [
        16, 11, 10, 16, 24, 40, 51, 61,
        12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77,
        24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static ReadOnlySpan<byte> ChromaQuantisation =>
    [
        17, 18, 24, 47, 99, 99, 99, 99,
        18, 21, 26, 66, 99, 99, 99, 99,
        24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ];

    private readonly JpegBlockCoder _lumaCoder = new(LumaQuantisation, Quality);
    private readonly JpegBlockCoder _chromaCoder = new(ChromaQuantisation, Quality);
    private byte[] _luma = [];
    private byte[] _blueChroma = [];
    private byte[] _redChroma = [];
    private int[] _columnSums = [];

    /// <summary>Applies the losses of one JPEG file.</summary>
    /// <remarks>
    /// Shape: rgb u8 [height, width, 3], result the same; result may be the same memory as rgb.
    /// Units: grey levels 0..255.
    /// </remarks>
    /// <exception cref="ArgumentException">A side is out of range or a length does not match the size.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; it is looked at every row of blocks.</exception>
    public void Apply(ReadOnlySpan<byte> rgb, int width, int height, Span<byte> result, CancellationToken cancellation = default)
    {
        ImageGeometry.CheckImage(width, height, rgb.Length, nameof(rgb));
        ImageGeometry.CheckImage(width, height, result.Length, nameof(result));

        int lumaStride = RoundUpToBlock(width);
        int lumaRows = RoundUpToBlock(height);
        int chromaStride = RoundUpToBlock((width + 1) / 2);
        int chromaRows = RoundUpToBlock((height + 1) / 2);
        ImageGeometry.Grow(ref _luma, lumaStride * lumaRows);
        ImageGeometry.Grow(ref _blueChroma, chromaStride * chromaRows);
        ImageGeometry.Grow(ref _redChroma, chromaStride * chromaRows);
        ImageGeometry.Grow(ref _columnSums, 2 * ((width + 1) / 2));

        SplitLuma(rgb, width, height, lumaStride, lumaRows);
        cancellation.ThrowIfCancellationRequested();
        SplitChroma(rgb, width, height, chromaStride, chromaRows);
        _lumaCoder.RoundTrip(_luma, lumaStride, lumaRows, cancellation);
        _chromaCoder.RoundTrip(_blueChroma, chromaStride, chromaRows, cancellation);
        _chromaCoder.RoundTrip(_redChroma, chromaStride, chromaRows, cancellation);
        for (int row = 0; row < height; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            MergeRow(width, height, row, lumaStride, chromaStride, result.Slice(row * width * 3, width * 3));
        }
    }

    private static int RoundUpToBlock(int count) => (count + BlockSide - 1) / BlockSide * BlockSide;

    private void SplitLuma(ReadOnlySpan<byte> rgb, int width, int height, int stride, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            Span<byte> target = _luma.AsSpan(row * stride, stride);
            if (row >= height)
            {
                // The last row repeats down to the block's edge.
                _luma.AsSpan((row - 1) * stride, stride).CopyTo(target);
                continue;
            }

            ReadOnlySpan<byte> source = rgb.Slice(row * width * 3, width * 3);
            for (int column = 0; column < width; column++)
            {
                int red = source[3 * column], green = source[(3 * column) + 1], blue = source[(3 * column) + 2];
                // 0.299, 0.587, 0.114.
                target[column] = (byte)(((19595 * red) + (38470 * green) + (7471 * blue) + ColourHalf) >> ColourBits);
            }

            target[width..].Fill(target[width - 1]);
        }
    }

    private void SplitChroma(ReadOnlySpan<byte> rgb, int width, int height, int stride, int rows)
    {
        int realRows = (height + 1) / 2;
        for (int row = 0; row < rows; row++)
        {
            Span<byte> blueTarget = _blueChroma.AsSpan(row * stride, stride);
            Span<byte> redTarget = _redChroma.AsSpan(row * stride, stride);
            if (row >= realRows)
            {
                // Downwards it is the reduced row that repeats; to the right it is the full-size pixel (below).
                _blueChroma.AsSpan((row - 1) * stride, stride).CopyTo(blueTarget);
                _redChroma.AsSpan((row - 1) * stride, stride).CopyTo(redTarget);
                continue;
            }

            ReadOnlySpan<byte> upper = rgb.Slice(2 * row * width * 3, width * 3);
            ReadOnlySpan<byte> lower = rgb.Slice(Math.Min((2 * row) + 1, height - 1) * width * 3, width * 3);
            // The rounding of (sum + bias) / 4 alternates between 1 and 2 so that halves go both ways.
            int bias = 1;
            for (int column = 0; column < stride; column++)
            {
                int left = Math.Min(2 * column, width - 1) * 3;
                int right = Math.Min((2 * column) + 1, width - 1) * 3;
                int blueSum = BlueChroma(upper, left) + BlueChroma(upper, right) + BlueChroma(lower, left) + BlueChroma(lower, right);
                int redSum = RedChroma(upper, left) + RedChroma(upper, right) + RedChroma(lower, left) + RedChroma(lower, right);
                blueTarget[column] = (byte)((blueSum + bias) >> 2);
                redTarget[column] = (byte)((redSum + bias) >> 2);
                bias ^= 3;
            }
        }
    }

    // Cb = 128 - 0.16874 R - 0.33126 G + 0.5 B; the half is one short so that pure blue stays at 255.
    private static int BlueChroma(ReadOnlySpan<byte> row, int at) =>
        ((-11059 * row[at]) - (21709 * row[at + 1]) + (32768 * row[at + 2]) + (ChromaCentre << ColourBits) + ColourHalf - 1) >> ColourBits;

    // Cr = 128 + 0.5 R - 0.41869 G - 0.08131 B.
    private static int RedChroma(ReadOnlySpan<byte> row, int at) =>
        ((32768 * row[at]) - (27439 * row[at + 1]) - (5329 * row[at + 2]) + (ChromaCentre << ColourBits) + ColourHalf - 1) >> ColourBits;

    private void MergeRow(int width, int height, int row, int lumaStride, int chromaStride, Span<byte> result)
    {
        int chromaWidth = (width + 1) / 2;
        int chromaHeight = (height + 1) / 2;
        ReadOnlySpan<byte> luma = _luma.AsSpan(row * lumaStride, width);
        Span<int> blueSums = _columnSums.AsSpan(0, chromaWidth);
        Span<int> redSums = _columnSums.AsSpan(chromaWidth, chromaWidth);
        int near = row / 2;
        int far = Math.Clamp((row & 1) == 0 ? near - 1 : near + 1, 0, chromaHeight - 1);
        // libjpeg's triangle filter needs three columns; a narrower image gets each sample four times.
        bool triangle = chromaWidth > 2;
        if (triangle)
        {
            SumColumns(_blueChroma, near * chromaStride, far * chromaStride, blueSums);
            SumColumns(_redChroma, near * chromaStride, far * chromaStride, redSums);
        }

        for (int column = 0; column < width; column++)
        {
            int blue, red;
            if (triangle)
            {
                blue = Interpolate(blueSums, column);
                red = Interpolate(redSums, column);
            }
            else
            {
                blue = _blueChroma[(near * chromaStride) + (column / 2)];
                red = _redChroma[(near * chromaStride) + (column / 2)];
            }

            WritePixel(luma[column], blue - ChromaCentre, red - ChromaCentre, result.Slice(3 * column, 3));
        }
    }

    /// <summary>Vertical half of the triangle filter: weights 3/4 and 1/4, kept four times too large.</summary>
    private static void SumColumns(ReadOnlySpan<byte> plane, int near, int far, Span<int> sums)
    {
        ReadOnlySpan<byte> nearRow = plane.Slice(near, sums.Length);
        ReadOnlySpan<byte> farRow = plane.Slice(far, sums.Length);
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] = (3 * nearRow[i]) + farRow[i];
        }
    }

    /// <summary>Horizontal half: the neighbour is to the left of an even column, to the right of an odd one.</summary>
    private static int Interpolate(ReadOnlySpan<int> sums, int column)
    {
        int nearest = column / 2;
        bool odd = (column & 1) != 0;
        // A clamped index at the border gives 3 x + x = 4 x, libjpeg's special case for it.
        int neighbour = odd ? Math.Min(nearest + 1, sums.Length - 1) : Math.Max(nearest - 1, 0);
        // Halves are rounded up on even and down on odd columns.
        return ((3 * sums[nearest]) + sums[neighbour] + (odd ? 7 : 8)) >> 4;
    }

    private static void WritePixel(int luma, int blue, int red, Span<byte> pixel)
    {
        // 1.40200, 0.34414 and 0.71414, 1.77200.
        pixel[0] = Saturate(luma + (((91881 * red) + ColourHalf) >> ColourBits));
        pixel[1] = Saturate(luma + (((-22554 * blue) - (46802 * red) + ColourHalf) >> ColourBits));
        pixel[2] = Saturate(luma + (((116130 * blue) + ColourHalf) >> ColourBits));
    }

    private static byte Saturate(int value) => (byte)Math.Clamp(value, 0, 255);
}
