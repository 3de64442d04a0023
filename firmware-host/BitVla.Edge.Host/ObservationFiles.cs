using System.Globalization;
using BitVla.Contracts;
using BitVla.Transport.Cameras;

namespace BitVla.Edge.Host;

/// <summary>An observation given on the command line.</summary>
internal static class ObservationFiles
{
    private static readonly ImageLimits Limits = ImageLimits.Default;

    /// <summary>Decodes NAME=FILE arguments, in the order given.</summary>
    /// <exception cref="UsageException">Not of that form, or the file cannot be read or decoded.</exception>
    public static CameraFrame[] ReadFrames(IReadOnlyList<string> arguments)
    {
        var decoder = new StbImageDecoder();
        return [.. arguments.Select(argument =>
        {
            int split = argument.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0 || split == argument.Length - 1)
            {
                throw new UsageException($"--image: expected NAME=FILE, found {argument}");
            }

            string file = argument[(split + 1)..];
            try
            {
                long bytes = new FileInfo(file).Length;
                return bytes <= Limits.MaximumEncodedBytes
                    ? decoder.Decode(argument[..split], File.ReadAllBytes(file), Limits)
                    : throw new UsageException($"{file}: expected at most {Limits.MaximumEncodedBytes} bytes, found {bytes}");
            }
            catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ImageDecodeException)
            {
                throw new UsageException($"{file}: {cause.Message}");
            }
        })];
    }

    /// <summary>Parses comma-separated numbers; null is an empty state.</summary>
    /// <exception cref="UsageException">Not numbers.</exception>
    public static double[] ParseState(string? text) => text is null ? [] : [.. text.Split(',').Select((part, i) =>
        double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw new UsageException($"--state[{i}]: expected a number, found {part}"))];
}
