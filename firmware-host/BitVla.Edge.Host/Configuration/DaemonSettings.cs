using BitVla.Control.Scheduling;
using BitVla.Model;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;
using Microsoft.Extensions.Logging;

namespace BitVla.Edge.Host.Configuration;

/// <summary>The settings of the daemon as its rooms take them.</summary>
internal sealed class DaemonSettings
{
    private const string PasswordCredential = "mqtt.password";
    private const int DefaultPort = 1883;
    private const int DefaultTlsPort = 8883;

    private readonly Settings settings;
    private readonly IReadOnlyDictionary<string, string> environment;

    private DaemonSettings(Settings settings, IReadOnlyDictionary<string, string> environment)
    {
        this.settings = settings;
        this.environment = environment;
    }

    public string ModelFile => settings.Of(ConfigurationKeys.EngineModel);

    public PolicyOptions Policy => new()
    {
        Kernel = settings.TextOf(ConfigurationKeys.EngineKernel),
        Threads = settings.Of(ConfigurationKeys.EngineThreads),
        UnnormKey = settings.TextOf(ConfigurationKeys.EngineUnnormKey),
        CenterCrop = settings.Of(ConfigurationKeys.EngineCenterCrop) switch { "on" => true, "off" => false, _ => null },
        Rotate180 = settings.Of(ConfigurationKeys.EngineRotate180),
    };

    public string Robot => settings.Of(ConfigurationKeys.RobotId);

    public string Prefix => settings.Of(ConfigurationKeys.RobotPrefix);

    /// <summary>Null starts the embedded broker.</summary>
    public string? BrokerHost => settings.TextOf(ConfigurationKeys.MqttHost);

    public int EmbeddedPort => settings.Of(ConfigurationKeys.MqttEmbeddedPort)!.Value;

    public WireEncoding Encoding => settings.Of(ConfigurationKeys.MqttEncoding) == "cbor" ? WireEncoding.Cbor : WireEncoding.Json;

    public TimeSpan ActionTtl => settings.TimeOf(ConfigurationKeys.ActionTtlMs);

    public double ActionStepMs => settings.Of(ConfigurationKeys.ActionDtMs);

    public string ActionSpace => settings.Of(ConfigurationKeys.ActionSpace);

    public string ActionFrame => settings.Of(ConfigurationKeys.ActionFrame);

    public IReadOnlyList<string> ActionNames => settings.Of(ConfigurationKeys.ActionNames);

    public IReadOnlyList<string> ActionUnits => settings.Of(ConfigurationKeys.ActionUnits) is { Count: > 0 } units ? units : [WireWords.PolicyUnits];

    public bool RawGripper => settings.Of(ConfigurationKeys.ActionGripper) == "raw";

    public string InitialInstruction => settings.Of(ConfigurationKeys.InstructionInitial);

    public TimeSpan TelemetryPeriod => settings.TimeOf(ConfigurationKeys.TelemetryPeriodMs);

    public LogLevel LogLevel => Enum.Parse<LogLevel>(settings.Of(ConfigurationKeys.LogLevel), ignoreCase: true);

    public TimeSpan EventRepeat => settings.TimeOf(ConfigurationKeys.LogRepeatMs);

    /// <summary>Where the session counter lives.</summary>
    public string StateFolder =>
        settings.TextOf(ConfigurationKeys.StateDir)
        ?? (environment.TryGetValue("STATE_DIRECTORY", out string? given) && given.Length > 0
            ? given.Split(':')[0]
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state", "bitvla-edge"));

    /// <summary>Checks what no single key can: settings that contradict each other or are missing.</summary>
    /// <param name="settings">All settings.</param>
    /// <param name="environment">Environment variables, for systemd's folders.</param>
    /// <exception cref="ConfigurationException">They do not fit together; one line a problem.</exception>
    public static DaemonSettings From(Settings settings, IReadOnlyDictionary<string, string> environment)
    {
        var problems = Problems(settings);
        return problems.Count == 0 ? new DaemonSettings(settings, environment) : throw new ConfigurationException(string.Join('\n', problems));
    }

    /// <summary>What no single key can tell; empty when the settings fit together.</summary>
    public static IReadOnlyList<string> Problems(Settings settings)
    {
        var problems = new List<string>();
        if (settings.TextOf(ConfigurationKeys.EngineModel) is null)
        {
            problems.Add(settings.Problem(ConfigurationKeys.EngineModel, "expected a packed model file, found nothing"));
        }

        if (settings.TextOf(ConfigurationKeys.MqttPassword) is not null && settings.TextOf(ConfigurationKeys.MqttPasswordFile) is not null)
        {
            problems.Add(settings.Problem(ConfigurationKeys.MqttPasswordFile, "expected this or mqtt.password, found both"));
        }

        foreach (var key in (ConfigurationKey[])[ConfigurationKeys.MqttPort, ConfigurationKeys.MqttUsername, ConfigurationKeys.MqttPassword, ConfigurationKeys.MqttPasswordFile, ConfigurationKeys.MqttTls, ConfigurationKeys.MqttCaFile])
        {
            // A broker's details without a broker: the embedded one would silently take its place.
            if (settings.TextOf(ConfigurationKeys.MqttHost) is null && settings[key].Origin != Settings.DefaultOrigin && !Equals(settings[key].Value, key.DefaultValue))
            {
                problems.Add(settings.Problem(key, "expected mqtt.host beside it, found none"));
            }
        }

        int names = settings.Of(ConfigurationKeys.ActionNames).Count;
        int units = settings.Of(ConfigurationKeys.ActionUnits).Count;
        if (units > 1 && units != names)
        {
            problems.Add(settings.Problem(ConfigurationKeys.ActionUnits, $"expected as many as action.names, {names}, found {units}"));
        }

        return problems;
    }

    /// <summary>What makes an observation for a model.</summary>
    public ObservationRules Rules(IReadOnlyList<string> cameras, int proprioDim) => new(
        cameras,
        proprioDim,
        settings.TimeOf(ConfigurationKeys.ObservationMaxSkewMs),
        settings.TimeOf(ConfigurationKeys.ObservationMaxAgeMs),
        settings.TimeOf(ConfigurationKeys.ObservationPatienceMs));

    /// <summary>Refuses a model whose actions have another width than the names configured for them.</summary>
    /// <exception cref="ConfigurationException">They differ.</exception>
    public void CheckAgainst(int actionDim)
    {
        if (ActionNames.Count != actionDim)
        {
            throw new ConfigurationException(settings.Problem(ConfigurationKeys.ActionNames, $"expected {actionDim} names for this model, found {ActionNames.Count}"));
        }

        if (ActionUnits is not [WireWords.PolicyUnits] && ActionUnits.Count != actionDim)
        {
            throw new ConfigurationException(settings.Problem(ConfigurationKeys.ActionUnits, $"expected {actionDim} units for this model, found {ActionUnits.Count}"));
        }
    }

    /// <summary>How to reach the broker.</summary>
    /// <param name="session">This start's number.</param>
    /// <param name="embeddedPort">Port of the embedded broker; null without one.</param>
    /// <exception cref="ConfigurationException">The password's file cannot be read.</exception>
    public MqttLinkOptions Link(uint session, int? embeddedPort)
    {
        var options = new MqttLinkOptions { Robot = Robot, Prefix = Prefix, Session = session, Encoding = Encoding };
        if (embeddedPort is { } port)
        {
            return options with { Port = port };
        }

        bool tls = settings.Of(ConfigurationKeys.MqttTls);
        return options with
        {
            Host = BrokerHost!,
            Port = settings.Of(ConfigurationKeys.MqttPort) ?? (tls ? DefaultTlsPort : DefaultPort),
            Username = settings.TextOf(ConfigurationKeys.MqttUsername),
            Password = Password(),
            UseTls = tls,
            CaPath = settings.TextOf(ConfigurationKeys.MqttCaFile),
        };
    }

    private string? Password()
    {
        if (settings.TextOf(ConfigurationKeys.MqttPassword) is { } password)
        {
            return password;
        }

        string? file = settings.TextOf(ConfigurationKeys.MqttPasswordFile);
        if (file is null && environment.TryGetValue("CREDENTIALS_DIRECTORY", out string? credentials))
        {
            string credential = Path.Combine(credentials, PasswordCredential);
            file = File.Exists(credential) ? credential : null;
        }

        try
        {
            return file is null ? null : File.ReadAllText(file).TrimEnd('\r', '\n');
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(settings.Problem(ConfigurationKeys.MqttPasswordFile, $"expected a readable file, found: {cause.Message}"));
        }
    }
}
