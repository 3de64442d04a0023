using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace BitVla.EndToEnd.Tests.Mqtt;

// Goal: start, end and figures of the daemon and the demonstration. Method: the published programs, a stopwatch and /proc.
[Collection(DaemonModels.Name)]
public sealed class LifeTests(DaemonModels models)
{
    private const int Passes = 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Terminate_DuringAPass_SaysStoppedWithinTwoSecondsAndExitsZero(bool mosquitto)
    {
        await using var broker = mosquitto ? await TestKit.MosquittoBroker.StartAsync() : null;
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Slow, broker?.Port);
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");
        await robot.ObserveAsync(1);
        await robot.StateAsync("RUNNING_SHADOW");
        long begun = Stopwatch.GetTimestamp();
        var (code, took) = await daemon.TerminateAsync();
        Assert.Equal(0, code);
        Heard stopped = await robot.NextAsync("status", fits: heard => heard.Text("state") == "stopped");
        double seconds = Stopwatch.GetElapsedTime(begun, stopped.Timestamp).TotalSeconds;
        Assert.InRange(seconds, 0, 2);
        Assert.DoesNotContain(robot.Heard.From(0), heard => heard.Topic == "action/chunk");
        Assert.DoesNotContain(robot.Heard.From(0), heard => heard.Topic == "status" && heard.Text("state") == "offline");
        await daemon.LineAsync("STOPPED");
        Console.WriteLine($"measured: SIGTERM during a pass: stopped after {seconds:F3} s, exit after {took.TotalSeconds:F3} s ({(mosquitto ? "mosquitto" : "embedded")})");
    }

    [Fact]
    public async Task Demo_TwoChunksAsJson_PrintsThemAndExitsZeroWithinAMinute()
    {
        long begun = Stopwatch.GetTimestamp();
        using var demo = Programs.Start(Programs.Find(Programs.Native, "bitvlad"), "demo", "--count", "2", "--json");
        var error = demo.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var printed = await demo.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await demo.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Assert.True(demo.ExitCode == 0, await error);
        string[] lines = printed.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            using var chunk = JsonDocument.Parse(lines[i]);
            Assert.Equal(i + 1, chunk.RootElement.GetProperty("seq").GetInt32());
            Assert.Equal(8, chunk.RootElement.GetProperty("actions").GetArrayLength());
        }

        Assert.InRange(seconds, 0, 60);
        Console.WriteLine($"measured: demo --count 2: {seconds:F1} s");
    }

    [Fact]
    public async Task Figures_OfTheTinyModel_AreWithinBounds()
    {
        await using var daemon = RunningDaemon.Start(models.Tiny);
        await daemon.LineAsync(" READY ");
        double ready = Stopwatch.GetElapsedTime(daemon.StartedAt).TotalSeconds;
        await daemon.LineAsync("LINK Connected");
        await using var robot = await RobotClient.ConnectAsync(daemon.Port);
        await robot.NextAsync("birth");
        long idle = daemon.Resident();
        long map = daemon.ResidentOf(Path.GetFileName(models.Tiny));
        var beyond = new List<double>();
        var hops = new List<double>();
        for (uint pass = 1; pass <= Passes; pass++)
        {
            int place = robot.Heard.Count;
            await robot.ProprioAsync(pass);
            await robot.ImageAsync(DaemonModels.Front, DaemonModels.FrontPicture, pass);
            long sent = Stopwatch.GetTimestamp();
            await robot.ImageAsync(DaemonModels.Wrist, DaemonModels.WristPicture, pass);
            Heard chunk = await robot.NextAsync("action/chunk", place);
            var latency = chunk.Json.GetProperty("lat");
            double whole = Stopwatch.GetElapsedTime(sent, chunk.Timestamp).TotalMilliseconds;
            double total = latency.GetProperty("total").GetDouble();
            hops.Add(whole - total);
            beyond.Add(whole - total + latency.GetProperty("cap").GetDouble());
        }

        long loaded = daemon.Resident();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"measured: start to READY {ready:F3} s; resident {idle >> 20} MiB ready, of which the model's map {map >> 10} KiB; {loaded >> 20} MiB after {Passes} passes"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"measured: last image's publish to chunk less the pass: {Median(beyond):F1} ms, {beyond.Max():F1} at most; less decoding of pictures too: {Median(hops):F1} ms, {hops.Max():F1} at most"));
        Assert.InRange(ready, 0, 10);
        Assert.InRange(loaded, 0, 512L << 20);
        Assert.InRange(Median(hops), -1, 250);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
