using BitVla.Transport.Wire;

namespace BitVla.Transport.Mqtt;

/// <summary>Where the broker is, who we are there and how hard we try.</summary>
public sealed record MqttLinkOptions
{
    /// <summary>Host name or address.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>TCP port.</summary>
    public int Port { get; init; } = 1883;

    /// <summary>User; none when absent.</summary>
    public string? Username { get; init; }

    /// <summary>Password; none when absent.</summary>
    public string? Password { get; init; }

    /// <summary>Encrypt, and check the broker's certificate.</summary>
    public bool UseTls { get; init; }

    /// <summary>PEM file of the authority that signed the broker's certificate; the system's own authorities when absent.</summary>
    public string? CaPath { get; init; }

    /// <summary>Topic prefix.</summary>
    public string Prefix { get; init; } = WireTopics.DefaultPrefix;

    /// <summary>Robot name.</summary>
    public required string Robot { get; init; }

    /// <summary>Daemon start counter, copied into status and will.</summary>
    public uint Session { get; init; }

    /// <summary>Encoding of the status and the will.</summary>
    public WireEncoding Encoding { get; init; } = WireEncoding.Json;

    /// <summary>Keep-alive; a silent broker is given up after one and a half of it.</summary>
    public int KeepAliveSeconds { get; init; } = 2;

    /// <summary>Longest wait for an answer to connect, subscribe or publish.</summary>
    public TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>First pause before a new try.</summary>
    public TimeSpan ReconnectMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest pause before a new try; a robot is back within two seconds of its broker.</summary>
    public TimeSpan ReconnectMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long another daemon has to say that the robot's name is its own.</summary>
    public TimeSpan ClaimWindow { get; init; } = TimeSpan.FromMilliseconds(300);
}
