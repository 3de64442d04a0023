using System.Globalization;
using BitVla.Transport.Wire;
using Microsoft.Extensions.Logging;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Logs and publishes events, each code at most once in a time; what was held back is counted and told with the next.</summary>
internal sealed class EventReporter(Publisher publisher, TimeSpan repeat, TimeProvider clock, ILogger<EventReporter> log)
{
    // Codes are ours, but a verb or parser might bring its own one day: the table stays bounded.
    private const int MaxCodes = 128;

    private readonly Lock door = new();
    private readonly Dictionary<string, Line> lines = new(StringComparer.Ordinal);

    /// <summary>Reports; never blocks.</summary>
    public void Report(EventSeverity severity, string code, string message, params ReadOnlySpan<(string Name, string Value)> data)
    {
        var facts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in data)
        {
            facts[name] = value;
        }

        lock (door)
        {
            if (!lines.TryGetValue(code, out var line))
            {
                if (lines.Count == MaxCodes)
                {
                    return;
                }

                lines[code] = line = new Line();
            }

            if (line.Said && clock.Monotonic() - line.Last < repeat)
            {
                line.HeldBack++;
                line.Pending = (severity, message, facts);
                return;
            }

            Say(severity, code, message, facts, line);
        }
    }

    /// <summary>Says the latest of what was held back, once its time is over.</summary>
    public void Flush()
    {
        lock (door)
        {
            foreach (var (code, line) in lines)
            {
                if (line.Pending is var (severity, message, facts) && clock.Monotonic() - line.Last >= repeat)
                {
                    line.HeldBack--;
                    Say(severity, code, message, facts, line);
                }
            }
        }
    }

    private void Say(EventSeverity severity, string code, string message, Dictionary<string, string> facts, Line line)
    {
        if (line.HeldBack > 0)
        {
            facts["held_back"] = line.HeldBack.ToString(CultureInfo.InvariantCulture);
        }

        line.Said = true;
        line.Last = clock.Monotonic();
        line.HeldBack = 0;
        line.Pending = null;
        var level = severity switch
        {
            EventSeverity.Critical => LogLevel.Critical,
            EventSeverity.Error => LogLevel.Error,
            EventSeverity.Warning => LogLevel.Warning,
            _ => LogLevel.Information,
        };
        if (log.IsEnabled(level))
        {
            string said = string.Join(' ', facts.Select(f => $"{f.Key}={f.Value}"));
            DaemonLog.Event(log, level, code, message, said);
        }

        publisher.PostEvent(new EventMessage(clock.UnixMicroseconds(), (int)severity, code, Cut(message), facts.Count == 0 ? null : facts));
    }

    private static string Cut(string text) => text.Length <= WireLimits.TextChars ? text : text[..WireLimits.TextChars];

    private sealed class Line
    {
        public bool Said { get; set; }

        public TimeSpan Last { get; set; }

        public long HeldBack { get; set; }

        public (EventSeverity Severity, string Message, Dictionary<string, string> Facts)? Pending { get; set; }
    }
}
