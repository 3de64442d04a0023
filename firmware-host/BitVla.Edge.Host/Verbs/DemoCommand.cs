using System.CommandLine;
using System.Globalization;
using System.Runtime.ExceptionServices;
using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Daemon;
using BitVla.Edge.Host.Demo;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad demo</c>: the whole loop on any machine, without robot, camera, broker or checkpoint.</summary>
internal static class DemoCommand
{
    private const string Robot = "demo";
    private const string Told = "pick up the black bowl and place it on the plate";

    // Two observations a second.
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    public static Command Create(CancellationToken stop)
    {
        var count = new Option<int?>("--count") { Description = "Stop after so many chunks; Ctrl-C otherwise.", HelpName = "N" };
        var packer = new Option<string?>("--packer") { Description = "The bitvla-pack that makes the model; the one beside bitvlad otherwise.", HelpName = "FILE" };
        var port = new Option<int>("--port") { Description = "Port of the embedded broker; any free one otherwise.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print each chunk as it came, one JSON object a line, and nothing else." };
        var command = new Command("demo", "Makes a small random model, starts broker, daemon and a robot's client, and shows the chunks that come back.")
        {
            count, packer, port, json,
        };
        command.SetAction(parse =>
        {
            if (parse.GetValue(count) is < 1)
            {
                throw new UsageException($"--count: expected 1 or more, found {parse.GetValue(count)}");
            }

            var screen = new DemoScreen(parse.GetValue(json), live: !Console.IsOutputRedirected);
            RunAsync(DemoModel.FindPacker(parse.GetValue(packer)), parse.GetValue(count) ?? int.MaxValue, parse.GetValue(port), screen, stop).GetAwaiter().GetResult();
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task RunAsync(string packer, int count, int port, DemoScreen screen, CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("bitvla-demo-");
        try
        {
            string model = Path.Combine(folder.FullName, "tiny.bitvla");
            await DemoModel.MakeAsync(packer, model, stop).ConfigureAwait(false);
            screen.Say("model    tiny, random weights, made just now");
            await LoopAsync(Settings(model, folder.FullName, port), count, screen, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ctrl-C is how a demonstration ends.
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static DaemonSettings Settings(string model, string folder, int port)
    {
        string[] assignments =
        [
            $"{ConfigurationKeys.EngineModel.Path}={model}",
            $"{ConfigurationKeys.StateDir.Path}={folder}",
            $"{ConfigurationKeys.RobotId.Path}={Robot}",
            $"{ConfigurationKeys.MqttEmbeddedPort.Path}={port.ToString(CultureInfo.InvariantCulture)}",
            $"{ConfigurationKeys.InstructionInitial.Path}={Told}",
            $"{ConfigurationKeys.LogLevel.Path}=warning",
        ];
        return DaemonSettings.From(SettingsLoader.Load(new SettingsSources(null, SettingsSources.ProcessEnvironment, assignments)), SettingsSources.ProcessEnvironment);
    }

    private static async Task LoopAsync(DaemonSettings settings, int count, DemoScreen screen, CancellationToken stop)
    {
        await using var daemon = await DaemonHost.StartAsync(settings, DaemonHost.LoaderOf(settings), TimeProvider.System).ConfigureAwait(false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using var failed = daemon.OnFailure(over.Cancel);
        try
        {
            var topics = daemon.Link.Topics;
            await using var client = await DemoClient.ConnectAsync(daemon.Options.Host, daemon.Options.Port, topics, over.Token).ConfigureAwait(false);
            var robot = await client.BirthAsync(over.Token).ConfigureAwait(false);
            screen.Say(string.Create(CultureInfo.InvariantCulture, $"mqtt     {daemon.Options.Host}:{daemon.Options.Port}, for instance: mosquitto_sub -V 5 -p {daemon.Options.Port} -v -t '{topics.AllFilter}'"));
            screen.Say($"in       {string.Join(' ', robot.Cameras.Select(topics.ObsImage))} {topics.ObsProprio}");
            screen.Say($"out      {topics.ActionChunk}, {robot.ChunkLength} x {robot.ActionDim}: {string.Join(' ', robot.Names)}");
            screen.Say($"told     {robot.InstructionText}");
            var sending = SendAsync(client, robot, over.Token);
            for (int shown = 0; shown < count; shown++)
            {
                screen.Show(await client.Chunks.ReadAsync(over.Token).ConfigureAwait(false));
            }

            await over.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(false);
        }
        finally
        {
            await daemon.StopAsync().ConfigureAwait(false);
            if (daemon.Failure is { } failure)
            {
                ExceptionDispatchInfo.Throw(failure);
            }
        }
    }

    private static async Task SendAsync(DemoClient client, BitVla.Transport.Wire.BirthMessage robot, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period);
        try
        {
            uint sequence = 0;
            do
            {
                await client.SendAsync(robot, ++sequence, stop).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Enough was sent.
        }
    }
}
