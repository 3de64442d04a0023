using System.Buffers;

namespace BitVla.Transport.Wire;

/// <summary>The topics of one robot: <c>&lt;prefix&gt;/&lt;robot&gt;/…</c>.</summary>
public sealed class WireTopics
{
    /// <summary>The prefix when none is configured.</summary>
    public const string DefaultPrefix = "bitvla/v1";

    /// <summary>Characters of a prefix.</summary>
    public const int PrefixChars = 64;

    private static readonly SearchValues<char> RobotLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly SearchValues<char> NameLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    private static readonly SearchValues<char> PrefixLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./");

    private readonly string root;

    /// <summary>Names the topics of a robot.</summary>
    /// <exception cref="ArgumentException">The robot is not <c>[a-z0-9-]{1,32}</c>, or the prefix is not levels of plain letters.</exception>
    public WireTopics(string robot, string prefix = DefaultPrefix)
    {
        if (!IsRobot(robot))
        {
            throw new ArgumentException($"expected 1 to {WireLimits.NameChars} of a-z, 0-9 and '-', found {WireException.Quote(robot)}", nameof(robot));
        }

        if (!IsPrefix(prefix))
        {
            throw new ArgumentException($"expected 1 to {PrefixChars} letters in levels that are not empty, found {WireException.Quote(prefix)}", nameof(prefix));
        }

        Robot = robot;
        Prefix = prefix;
        root = $"{prefix}/{robot}/";
        Status = root + "status";
        Birth = root + "birth";
        State = root + "state";
        ActionChunk = root + "action/chunk";
        TelemetryInfer = root + "telemetry/infer";
        Event = root + "event";
        Claim = root + "claim";
        ObsProprio = root + "obs/proprio";
        ObsFilter = root + "obs/#";
        CmdFilter = root + "cmd/#";
        AllFilter = root + "#";
    }

    /// <summary>The robot's name.</summary>
    public string Robot { get; }

    /// <summary>What stands before the robot's name.</summary>
    public string Prefix { get; }

    /// <summary>Out, retained: online, stopped, offline.</summary>
    public string Status { get; }

    /// <summary>Out, retained: what this robot is.</summary>
    public string Birth { get; }

    /// <summary>Out, retained: the state machine.</summary>
    public string State { get; }

    /// <summary>Out: action chunks.</summary>
    public string ActionChunk { get; }

    /// <summary>Out: figures of the passes.</summary>
    public string TelemetryInfer { get; }

    /// <summary>Out: events.</summary>
    public string Event { get; }

    /// <summary>Both ways, between daemons: who holds this robot's name.</summary>
    public string Claim { get; }

    /// <summary>In: the robot's own state.</summary>
    public string ObsProprio { get; }

    /// <summary>All observations.</summary>
    public string ObsFilter { get; }

    /// <summary>All commands.</summary>
    public string CmdFilter { get; }

    /// <summary>Everything of this robot.</summary>
    public string AllFilter { get; }

    /// <summary>Whether a text can be a robot's name.</summary>
    public static bool IsRobot(ReadOnlySpan<char> robot) =>
        robot.Length is > 0 and <= WireLimits.NameChars && !robot.ContainsAnyExcept(RobotLetters);

    /// <summary>Whether a text can be a camera's, a verb's or a client's name: 1 to 32 letters, digits, <c>_ - .</c></summary>
    public static bool IsName(ReadOnlySpan<char> name) =>
        name.Length is > 0 and <= WireLimits.NameChars && !name.ContainsAnyExcept(NameLetters);

    /// <summary>In: pictures of a camera.</summary>
    /// <exception cref="ArgumentException">Not a name.</exception>
    public string ObsImage(string camera) => Named("obs/image/", camera);

    /// <summary>In: a command.</summary>
    /// <exception cref="ArgumentException">Not a name.</exception>
    public string Cmd(string verb) => Named("cmd/", verb);

    /// <summary>Out: replies to a client.</summary>
    /// <exception cref="ArgumentException">Not a name.</exception>
    public string Response(string client) => Named("rsp/", client);

    /// <summary>Whether a reply may go there: <c>rsp/&lt;client&gt;</c> of this robot and nowhere else.</summary>
    /// <remarks>A response topic comes from outside; taken as it is, it would let anybody publish as the daemon, motion included.</remarks>
    public bool IsResponse(ReadOnlySpan<char> topic) => TryStrip(ref topic, root) && TryStrip(ref topic, "rsp/") && IsName(topic);

    /// <summary>Says what a topic carries; allocates nothing.</summary>
    /// <param name="topic">The whole topic.</param>
    /// <param name="kind">What it carries.</param>
    /// <param name="name">The camera or the verb; empty for others.</param>
    /// <returns>False for a topic of another robot or prefix, and for one that the daemon does not take.</returns>
    public bool TryParse(ReadOnlySpan<char> topic, out WireTopicKind kind, out ReadOnlySpan<char> name)
    {
        name = [];
        kind = WireTopicKind.Unknown;
        if (!TryStrip(ref topic, root))
        {
            return false;
        }

        if (TryStrip(ref topic, "obs/image/"))
        {
            kind = IsName(topic) ? WireTopicKind.Image : WireTopicKind.Unknown;
        }
        else if (TryStrip(ref topic, "cmd/"))
        {
            kind = IsName(topic) ? WireTopicKind.Command : WireTopicKind.Unknown;
        }
        else
        {
            kind = topic switch
            {
                "obs/proprio" => WireTopicKind.Proprio,
                "status" => WireTopicKind.Status,
                "claim" => WireTopicKind.Claim,
                _ => WireTopicKind.Unknown,
            };
            return kind != WireTopicKind.Unknown;
        }

        name = kind == WireTopicKind.Unknown ? [] : topic;
        return kind != WireTopicKind.Unknown;
    }

    private static bool IsPrefix(ReadOnlySpan<char> prefix) =>
        prefix.Length is > 0 and <= PrefixChars && !prefix.ContainsAnyExcept(PrefixLetters)
        && prefix[0] != '/' && prefix[^1] != '/' && !prefix.Contains("//", StringComparison.Ordinal);

    private static bool TryStrip(ref ReadOnlySpan<char> topic, ReadOnlySpan<char> start)
    {
        if (!topic.StartsWith(start))
        {
            return false;
        }

        topic = topic[start.Length..];
        return true;
    }

    private string Named(string level, string name) => IsName(name)
        ? string.Concat(root, level, name)
        : throw new ArgumentException($"expected 1 to {WireLimits.NameChars} letters, digits, '_', '-' or '.', found {WireException.Quote(name)}", nameof(name));
}
