using System.Diagnostics;
using System.Globalization;

namespace BitVla.Packing;

/// <summary>One line on stderr, rewritten in place while work is under way; silent unless stderr is a terminal.</summary>
internal sealed class ProgressLine : IDisposable
{
    // Ten times a second is smooth to the eye and costs nothing.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    // A line that wraps cannot be rewritten with a carriage return.
    private const int MaxColumns = 79;

    private readonly string what;
    private readonly long total;
    private readonly bool terminal;
    private long lastTicks;
    private int shown;

    /// <summary>Starts a line.</summary>
    /// <param name="what">The work, as a verb: "writing".</param>
    /// <param name="total">Bytes of the whole work.</param>
    public ProgressLine(string what, long total)
    {
        this.what = what;
        this.total = Math.Max(1, total);
        terminal = !Console.IsErrorRedirected;
        lastTicks = Stopwatch.GetTimestamp();
    }

    /// <summary>Says how far the work is.</summary>
    public void Report(long done, string detail)
    {
        if (!terminal || Stopwatch.GetElapsedTime(lastTicks) < Interval)
        {
            return;
        }

        lastTicks = Stopwatch.GetTimestamp();
        string line = string.Create(
            CultureInfo.InvariantCulture, $"{what} {100.0 * done / total,5:F1} %  {done / 1e6:F0} of {total / 1e6:F0} MB  {detail}");
        Show(line.Length > MaxColumns ? line[..MaxColumns] : line);
    }

    /// <summary>Removes the line.</summary>
    public void Dispose()
    {
        if (shown > 0)
        {
            Show("");
            Console.Error.Write('\r');
        }
    }

    private void Show(string line)
    {
        Console.Error.Write($"\r{line.PadRight(shown)}");
        shown = line.Length;
    }
}
