using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Daemon;

namespace BitVla.Edge.Host.Tests.Daemon;

/// <summary>A daemon with its embedded broker and a robot's client, in this process.</summary>
internal sealed class DaemonRig : IAsyncDisposable
{
    private readonly TemporaryFolder folder;

    private DaemonRig(TemporaryFolder folder, DaemonHost daemon, RobotClient robot)
    {
        this.folder = folder;
        Daemon = daemon;
        Robot = robot;
    }

    public DaemonHost Daemon { get; }

    public RobotClient Robot { get; }

    public static Task<DaemonRig> StartAsync(ScriptedPolicy policy, params string[] assignments) => StartAsync(
        new ModelLoader(policy.Loader), "scripted", [$"action.names={string.Join(',', ScriptedPolicy.Names)}", "instruction.initial=pick up the bowl", .. assignments]);

    public static async Task<DaemonRig> StartAsync(ModelLoader? load, string model, params string[] assignments)
    {
        var folder = new TemporaryFolder();
        string[] all =
        [
            $"engine.model={model}", "mqtt.embedded_port=0", $"state.dir={folder["state"]}", "robot.id=bench", "log.repeat_ms=0",
            // A loaded machine must not make an observation of two moments out of one.
            "observation.max_skew_ms=60000", "observation.max_age_ms=60000", .. assignments,
        ];
        var none = new Dictionary<string, string>();
        var settings = DaemonSettings.From(SettingsLoader.Load(new SettingsSources(null, none, all)), none);
        var daemon = await DaemonHost.StartAsync(settings, load ?? DaemonHost.LoaderOf(settings), TimeProvider.System, _ => { });
        var robot = await RobotClient.ConnectAsync(daemon.Options.Port, daemon.Link.Topics);
        return new DaemonRig(folder, daemon, robot);
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.StopAsync();
        await Robot.DisposeAsync();
        await Daemon.DisposeAsync();
        folder.Dispose();
    }
}
