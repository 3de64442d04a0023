namespace BitVla.Transport.Mqtt;

/// <summary>Where the link stands.</summary>
public enum MqttLinkState
{
    /// <summary>Not started, or ended.</summary>
    Stopped,

    /// <summary>Trying to reach the broker.</summary>
    Connecting,

    /// <summary>The broker is there; asking whether the robot's name is free.</summary>
    Claiming,

    /// <summary>Connected, subscribed and announced.</summary>
    Connected,

    /// <summary>The broker refused us; trying again.</summary>
    Refused,

    /// <summary>Another daemon holds the robot's name; trying again.</summary>
    NameTaken,
}
