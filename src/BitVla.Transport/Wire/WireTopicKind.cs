namespace BitVla.Transport.Wire;

/// <summary>What an inbound topic carries.</summary>
public enum WireTopicKind
{
    /// <summary>Below the robot, but nothing that the daemon takes.</summary>
    Unknown,

    /// <summary><c>obs/proprio</c>.</summary>
    Proprio,

    /// <summary><c>obs/image/&lt;camera&gt;</c>; the name is the camera's.</summary>
    Image,

    /// <summary><c>cmd/&lt;verb&gt;</c>; the name is the verb.</summary>
    Command,

    /// <summary><c>status</c>, seen by the claim only.</summary>
    Status,

    /// <summary><c>claim</c>, seen by the claim only.</summary>
    Claim,
}
