using System.Text.RegularExpressions;
using BitVla.Kernels.Threading;

namespace BitVla.Edge.Host.Configuration;

/// <summary>Every setting there is: one table for the loader, <c>check</c>, the schema and docs/configuration.md.</summary>
internal static partial class ConfigurationKeys
{
    /// <summary>What the environment variables of all keys begin with.</summary>
    public const string EnvironmentPrefix = "BITVLA__";

    private const int MinuteMs = 60_000;

    public static readonly TextKey EngineModel = new("engine.model", "", "Packed model file to run.");
    public static readonly TextKey EngineKernel = new("engine.kernel", "", "Kernel to force; empty lets the processor decide.");
    public static readonly IntegerKey EngineThreads = new("engine.threads", "", null, 1, WorkerPool.MaxThreads, "Threads of a pass; all cores when not set.");
    public static readonly TextKey EngineUnnormKey = new("engine.unnorm_key", "", "Dataset whose statistics give the units; not needed when the file has one.");
    public static readonly TextKey EngineCenterCrop = new("engine.center_crop", "model", "Centre crop of the pictures.") { Choices = ["model", "on", "off"] };
    public static readonly ListKey EngineRotate180 = new("engine.rotate180", [], "Cameras whose pictures stand on their head, besides those the file turns.");

    public static readonly TextKey RobotId = new("robot.id", "robot", "The robot's name in every topic.") { Pattern = Id() };
    public static readonly TextKey RobotPrefix = new("robot.prefix", "bitvla/v1", "What topics begin with; the robot's id follows.") { Pattern = Prefix() };

    public static readonly TextKey MqttHost = new("mqtt.host", "", "Broker; empty starts the embedded one on the loopback address.");
    public static readonly IntegerKey MqttPort = new("mqtt.port", "", null, 1, 65535, "The broker's port; 1883, or 8883 with TLS, when not set.");
    public static readonly IntegerKey MqttEmbeddedPort = new("mqtt.embedded_port", "", 1883, 0, 65535, "Port of the embedded broker; 0 takes any free one.");
    public static readonly TextKey MqttUsername = new("mqtt.username", "", "User name for the broker.");
    public static readonly TextKey MqttPassword = new("mqtt.password", "", "Password for the broker; a file or a systemd credential is better.") { Secret = true };
    public static readonly TextKey MqttPasswordFile = new("mqtt.password_file", "", "File that holds the password; otherwise the systemd credential mqtt.password, if there is one.");
    public static readonly FlagKey MqttTls = new("mqtt.tls", false, "TLS to the broker.");
    public static readonly TextKey MqttCaFile = new("mqtt.ca_file", "", "PEM file of the authority that signed the broker's certificate; empty trusts the system's.");
    public static readonly TextKey MqttEncoding = new("mqtt.encoding", "json", "Encoding of what the daemon publishes; it reads both.") { Choices = ["json", "cbor"] };

    public static readonly IntegerKey ObservationMaxSkewMs = new("observation.max_skew_ms", "ms", 100, 0, MinuteMs, "Most time between the captures of one observation.");
    public static readonly IntegerKey ObservationMaxAgeMs = new("observation.max_age_ms", "ms", 500, 1, MinuteMs, "Oldest capture that may enter a pass.");
    public static readonly IntegerKey ObservationPatienceMs = new("observation.patience_ms", "ms", 5000, 1, MinuteMs, "How long no observation may come before the state says why.");

    public static readonly IntegerKey ActionTtlMs = new("action.ttl_ms", "ms", 5000, 1, 600_000, "Time after the observation in which its chunk may start.");
    public static readonly NumberKey ActionDtMs = new("action.dt_ms", "ms", 50, 1, 10_000, "Time between the actions of a chunk.");
    public static readonly TextKey ActionSpace = new("action.space", "eef_delta", "What the numbers of an action move.") { Choices = ["eef_delta", "eef_abs", "joint_abs", "joint_delta"] };
    public static readonly TextKey ActionFrame = new("action.frame", "robot_base", "Frame of reference of an action.");
    public static readonly ListKey ActionNames = new("action.names", ["x", "y", "z", "rx", "ry", "rz", "grip"], "Name of each number of an action.");
    public static readonly ListKey ActionUnits = new("action.units", [], "Unit of each number of an action; none for the checkpoint's own scale, which the chunk calls \"policy\".");
    public static readonly TextKey ActionGripper = new("action.gripper", "model", "The gripper in the file's own convention, or as the network gives it.") { Choices = ["model", "raw"] };

    public static readonly TextKey InstructionInitial = new("instruction.initial", "", "What to do until someone says otherwise; empty waits for cmd/instruct.");

    public static readonly IntegerKey TelemetryPeriodMs = new("telemetry.period_ms", "ms", 1000, 100, MinuteMs, "Time between telemetry messages.");

    public static readonly TextKey LogLevel = new("log.level", "information", "Least severe log line that is written.")
    {
        Choices = ["trace", "debug", "information", "warning", "error", "critical"],
    };

    public static readonly IntegerKey LogRepeatMs = new("log.repeat_ms", "ms", 1000, 0, MinuteMs, "An event of one code is logged and published at most once in this time; the rest are counted.");

    public static readonly TextKey StateDir = new("state.dir", "", "Folder for what must outlive a start; empty takes $STATE_DIRECTORY, then ~/.local/state/bitvla-edge.");

    /// <summary>All keys, in the order of the page.</summary>
    public static IReadOnlyList<ConfigurationKey> All { get; } =
    [
        EngineModel, EngineKernel, EngineThreads, EngineUnnormKey, EngineCenterCrop, EngineRotate180,
        RobotId, RobotPrefix,
        MqttHost, MqttPort, MqttEmbeddedPort, MqttUsername, MqttPassword, MqttPasswordFile, MqttTls, MqttCaFile, MqttEncoding,
        ObservationMaxSkewMs, ObservationMaxAgeMs, ObservationPatienceMs,
        ActionTtlMs, ActionDtMs, ActionSpace, ActionFrame, ActionNames, ActionUnits, ActionGripper,
        InstructionInitial,
        TelemetryPeriodMs,
        LogLevel, LogRepeatMs,
        StateDir,
    ];

    /// <summary>The key of a path; null when there is none.</summary>
    public static ConfigurationKey? Find(string path) => All.FirstOrDefault(key => string.Equals(key.Path, path, StringComparison.Ordinal));

    /// <summary>The known path that takes the fewest edits to reach.</summary>
    public static string Nearest(string path) => All.MinBy(key => EditDistance(key.Path, path))!.Path;

    /// <summary>Insertions, deletions, substitutions and swaps of neighbours between two texts.</summary>
    public static int EditDistance(string left, string right)
    {
        var rows = new int[3][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = new int[right.Length + 1];
        }

        for (int j = 0; j <= right.Length; j++)
        {
            rows[0][j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            var (row, above, twoAbove) = (rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3]);
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int cost = left[i - 1] == right[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    row[j] = Math.Min(row[j], twoAbove[j - 2] + 1);
                }
            }
        }

        return rows[left.Length % 3][right.Length];
    }

    [GeneratedRegex("^[a-z0-9-]{1,32}$")]
    private static partial Regex Id();

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,32}(/[a-zA-Z0-9_-]{1,32}){0,3}$")]
    private static partial Regex Prefix();
}
