namespace BitVla.Transport.Wire;

/// <summary><c>status</c>, retained: whether the daemon is there.</summary>
/// <param name="State">One of <see cref="StatusMessage.States"/>.</param>
/// <param name="Session">Daemon start counter.</param>
/// <param name="Instance">Random name of this run of the daemon; tells two daemons of one robot apart.</param>
/// <param name="TimeUs">Unix time, microseconds. In a will, when the connection was made.</param>
public sealed record StatusMessage(string State, uint Session, string Instance, long TimeUs)
{
    /// <summary>The daemon is connected.</summary>
    public const string Online = "online";

    /// <summary>The daemon ended on purpose.</summary>
    public const string Stopped = "stopped";

    /// <summary>The broker lost the daemon; said by the will.</summary>
    public const string Offline = "offline";

    /// <summary>The three words.</summary>
    public static IReadOnlyList<string> States { get; } = [Online, Stopped, Offline];
}
