using System.Globalization;
using System.Text;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Demo;

/// <summary>Shows chunks: a table that renews itself on a terminal, a line each elsewhere, a JSON object each on demand.</summary>
internal sealed class DemoScreen(bool json, bool live)
{
    private int drawn;

    /// <summary>A line that is no chunk; none among JSON.</summary>
    public void Say(string line)
    {
        if (!json)
        {
            Console.WriteLine(line);
        }
    }

    public void Show(ReceivedChunk chunk)
    {
        if (json)
        {
            Console.WriteLine(Encoding.UTF8.GetString(chunk.Payload.Span));
        }
        else if (live)
        {
            Draw(chunk.Message);
        }
        else
        {
            Console.WriteLine(Line(chunk.Message));
        }
    }

    private static string Line(ChunkMessage chunk) => string.Create(
        CultureInfo.InvariantCulture,
        $"chunk {chunk.Sequence}  obs {chunk.ObservationSequence}  instr {chunk.Instruction}  start {chunk.Start}  first {Row(chunk, 0)}  [{chunk.Latency.Total:F0} ms]");

    private static string Row(ChunkMessage chunk, int step) => string.Join(
        ' ', chunk.Actions.Slice(step * chunk.ActionDim, chunk.ActionDim).ToArray().Select(v => v.ToString("+0.000;-0.000", CultureInfo.InvariantCulture)));

    private void Draw(ChunkMessage chunk)
    {
        var lines = new List<string>
        {
            string.Create(
                CultureInfo.InvariantCulture,
                $"chunk {chunk.Sequence}  observation {chunk.ObservationSequence}  instruction {chunk.Instruction}  {string.Join(' ', chunk.Flags)}"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"age {chunk.AgeUs / 1000.0:F1} ms of {chunk.TtlMs} ms   vision {chunk.Latency.Vision:F1}  decoder {chunk.Latency.Language:F1}  total {chunk.Latency.Total:F1} ms"),
            "step  " + string.Join(' ', chunk.Names.Select(name => name.PadLeft(8))),
        };
        for (int step = 0; step < chunk.ChunkLength; step++)
        {
            var row = chunk.Actions.Slice(step * chunk.ActionDim, chunk.ActionDim).ToArray();
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{step,4}  ") + string.Join(' ', row.Select(v => v.ToString("+0.0000;-0.0000", CultureInfo.InvariantCulture).PadLeft(8))));
        }

        // Up over the last table, and each line cleared before it is written anew.
        var screen = new StringBuilder(drawn > 0 ? $"\u001b[{drawn}A" : "");
        foreach (string line in lines)
        {
            screen.Append("\u001b[2K").Append(line).Append('\n');
        }

        Console.Write(screen);
        drawn = lines.Count;
    }
}
