using System.CommandLine;
using System.Runtime.ExceptionServices;
using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Daemon;

namespace BitVla.Edge.Host.Verbs;

/// <summary><c>bitvlad run</c>: the daemon.</summary>
internal static class RunCommand
{
    public static Command Create(CancellationToken stop)
    {
        var command = new Command("run", "Runs the daemon: observations in over MQTT, action chunks out, until SIGTERM.") { SettingsOptions.Config, SettingsOptions.Set };
        command.SetAction(parse =>
        {
            var sources = SettingsOptions.Read(parse);
            var settings = DaemonSettings.From(SettingsLoader.Load(sources), sources.Environment);
            RunAsync(settings, stop).GetAwaiter().GetResult();
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task RunAsync(DaemonSettings settings, CancellationToken stop)
    {
        await using var daemon = await DaemonHost.StartAsync(settings, DaemonHost.LoaderOf(settings), TimeProvider.System).ConfigureAwait(false);
        await daemon.RunAsync(stop).ConfigureAwait(false);
        if (daemon.Failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }
}
