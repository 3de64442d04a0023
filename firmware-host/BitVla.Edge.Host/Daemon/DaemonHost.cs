using System.Net.Sockets;
using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Verbs;
using BitVla.Transport.Mqtt;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace BitVla.Edge.Host.Daemon;

/// <summary>The daemon put together: every piece by name, in the order of the corridor.</summary>
internal sealed class DaemonHost : IAsyncDisposable
{
    // `stopped` within two seconds of the signal, whatever hangs.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromMilliseconds(1800);

    private readonly IHost host;
    private readonly EmbeddedBroker? broker;

    private DaemonHost(IHost host, EmbeddedBroker? broker, MqttLink link, MqttLinkOptions options)
    {
        this.host = host;
        this.broker = broker;
        Link = link;
        Options = options;
    }

    public MqttLink Link { get; }

    public MqttLinkOptions Options { get; }

    /// <summary>What failed; null when nothing did.</summary>
    public Exception? Failure => host.Services.GetRequiredService<DaemonOutcome>().Failure;

    public IServiceProvider Services => host.Services;

    /// <summary>Loads the settings' model.</summary>
    public static ModelLoader LoaderOf(DaemonSettings settings) => cancellation => PolicyLoader.Load(settings, cancellation);

    /// <summary>Starts broker, link and inference thread; the model is loaded while this returns.</summary>
    /// <param name="settings">Settings.</param>
    /// <param name="load">Makes the policy.</param>
    /// <param name="clock">Clock.</param>
    /// <param name="logging">Where lines go; null takes standard error.</param>
    /// <exception cref="ConfigurationException">The embedded broker's port or the state folder is not to be had.</exception>
    public static async Task<DaemonHost> StartAsync(DaemonSettings settings, ModelLoader load, TimeProvider clock, Action<ILoggingBuilder>? logging = null)
    {
        uint session = SessionCounter.Next(settings.StateFolder);
        var broker = settings.BrokerHost is null ? await StartBroker(settings.EmbeddedPort, clock).ConfigureAwait(false) : null;
        try
        {
            var options = settings.Link(session, broker?.Port);
            var link = CreateLink(options, clock);
            var host = Build(settings, load, clock, logging ?? (builder => ToStandardError(builder, settings.LogLevel)), session, link);
            var daemon = new DaemonHost(host, broker, link, options);
            DaemonLog.Starting(
                host.Services.GetRequiredService<ILogger<DaemonHost>>(), VersionCommand.Version, options.Robot, session, options.Host, options.Port, options.Prefix);
            await host.StartAsync().ConfigureAwait(false);
            return daemon;
        }
        catch
        {
            if (broker is not null)
            {
                await broker.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>Waits until the token is cancelled or the daemon fails, then says <c>stopped</c> and ends.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var told = stop.Register(() => ended.TrySetResult());
        using var failed = OnFailure(() => ended.TrySetResult());
        await ended.Task.ConfigureAwait(false);
        await StopAsync().ConfigureAwait(false);
    }

    /// <summary>Calls back when the daemon ends by itself.</summary>
    public CancellationTokenRegistration OnFailure(Action act) =>
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(act);

    /// <summary>Says <c>stopped</c> and ends.</summary>
    public Task StopAsync() => host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        host.Dispose();
        await Link.DisposeAsync().ConfigureAwait(false);
        if (broker is not null)
        {
            await broker.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static MqttLink CreateLink(MqttLinkOptions options, TimeProvider clock)
    {
        try
        {
            return new MqttLink(options, clock);
        }
        catch (Exception cause) when (cause is ArgumentException or InvalidDataException)
        {
            throw new ConfigurationException($"{(cause is ArgumentException ? "robot" : ConfigurationKeys.MqttCaFile.Path)}: {cause.Message}");
        }
    }

    private static async Task<EmbeddedBroker> StartBroker(int port, TimeProvider clock)
    {
        var broker = new EmbeddedBroker(port, clock);
        try
        {
            await broker.StartAsync().ConfigureAwait(false);
            return broker;
        }
        catch (SocketException cause)
        {
            await broker.DisposeAsync().ConfigureAwait(false);
            throw new ConfigurationException($"{ConfigurationKeys.MqttEmbeddedPort.Path}: expected a free port, found {port}: {cause.Message}");
        }
    }

    private static IHost Build(DaemonSettings settings, ModelLoader load, TimeProvider clock, Action<ILoggingBuilder> logging, uint session, MqttLink link)
    {
        // Empty: no settings files, variables or arguments but those of our own table.
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "bitvlad" });
        logging(builder.Logging);
        var services = builder.Services;
        services.Configure<HostOptions>(o => o.ShutdownTimeout = ShutdownTimeout);

        // Signals are Program's: it listens before there is a host.
        services.AddSingleton<IHostLifetime, SilentLifetime>();
        services.AddSingleton(s => new DaemonOutcome(s.GetRequiredService<IHostApplicationLifetime>()));

        // Out.
        services.AddSingleton(new Outbox(link));
        services.AddSingleton(s => new Publisher(settings, link.Topics, s.GetRequiredService<Outbox>()));
        services.AddSingleton(s => new EventReporter(s.GetRequiredService<Publisher>(), settings.EventRepeat, clock, s.GetRequiredService<ILogger<EventReporter>>()));

        // What is true now.
        services.AddSingleton(new InstructionSlot(settings.InitialInstruction));
        services.AddSingleton(s => new StateBoard(
            session, s.GetRequiredService<InstructionSlot>(), s.GetRequiredService<Publisher>(), clock, s.GetRequiredService<ILogger<StateBoard>>()));
        services.AddSingleton(new PassStatistics(clock));
        services.AddSingleton(s => new Announcer(
            settings, session, link, s.GetRequiredService<InstructionSlot>(), s.GetRequiredService<StateBoard>(), s.GetRequiredService<Publisher>(), clock));

        // In.
        services.AddSingleton(s => new ObservationDesk(
            settings, s.GetRequiredService<StateBoard>(), s.GetRequiredService<PassStatistics>(), s.GetRequiredService<EventReporter>(), clock));
        services.AddSingleton(s => new CommandDesk(
            s.GetRequiredService<InstructionSlot>(), s.GetRequiredService<StateBoard>(), s.GetRequiredService<ObservationDesk>(),
            s.GetRequiredService<Announcer>(), s.GetRequiredService<Publisher>(), s.GetRequiredService<EventReporter>()));

        // Through.
        services.AddSingleton(s => new InferenceLoop(
            load, settings, s.GetRequiredService<ObservationDesk>(), s.GetRequiredService<InstructionSlot>(), s.GetRequiredService<StateBoard>(),
            new ChunkBuilder(settings, session, clock), s.GetRequiredService<PassStatistics>(), s.GetRequiredService<Announcer>(), s.GetRequiredService<Publisher>(),
            link, s.GetRequiredService<EventReporter>(), s.GetRequiredService<DaemonOutcome>(), clock, s.GetRequiredService<ILogger<InferenceLoop>>()));

        // Started in this order, ended in the other: after the last chunk the last words, after those the farewell.
        services.AddSingleton<IHostedService>(s => new LinkService(
            link, s.GetRequiredService<Outbox>(), s.GetRequiredService<Announcer>(), s.GetRequiredService<ObservationDesk>(),
            s.GetRequiredService<CommandDesk>(), s.GetRequiredService<EventReporter>(), s.GetRequiredService<DaemonOutcome>(), s.GetRequiredService<ILogger<LinkService>>()));
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<Outbox>());
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<InferenceLoop>());
        services.AddSingleton<IHostedService>(s => new TelemetryLoop(
            settings, session, s.GetRequiredService<InferenceLoop>(), s.GetRequiredService<PassStatistics>(), s.GetRequiredService<StateBoard>(),
            s.GetRequiredService<Publisher>(), s.GetRequiredService<EventReporter>(), clock));
        return builder.Build();
    }

    private static void ToStandardError(ILoggingBuilder builder, LogLevel level)
    {
        builder.SetMinimumLevel(level);
        builder.AddFilter("Microsoft", LogLevel.Warning);
        builder.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            options.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        builder.Services.Configure<ConsoleLoggerOptions>(options =>
        {
            options.LogToStandardErrorThreshold = LogLevel.Trace;

            // A reader of the log that hangs must not hold the MQTT loop.
            options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
    }

    private sealed class SilentLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
