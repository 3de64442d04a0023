namespace BitVla.Transport.Wire;

/// <summary>Words with a fixed meaning inside payloads.</summary>
public static class WireWords
{
    /// <summary>The checkpoint's own scale is passed through.</summary>
    public const string PolicyUnits = "policy";

    /// <summary>Frame of actions relative to the robot's base.</summary>
    public const string RobotBase = "robot_base";

    /// <summary>The chunk takes the place of the one before.</summary>
    public const string Replace = "replace";

    /// <summary>The chunk follows the one before.</summary>
    public const string Append = "append";

    /// <summary>End effector, change per step.</summary>
    public const string EefDelta = "eef_delta";

    /// <summary>End effector, absolute pose.</summary>
    public const string EefAbs = "eef_abs";

    /// <summary>Joints, absolute.</summary>
    public const string JointAbs = "joint_abs";

    /// <summary>Joints, change per step.</summary>
    public const string JointDelta = "joint_delta";

    /// <summary>Gripper 1 open, 0 closed.</summary>
    public const string GripOpen1Closed0 = "open1_closed0";

    /// <summary>Gripper -1 open, +1 close.</summary>
    public const string GripLibero = "libero_pm1";

    /// <summary>Values of <c>space</c>.</summary>
    public static IReadOnlyList<string> Spaces { get; } = [EefDelta, EefAbs, JointAbs, JointDelta];

    /// <summary>Values of <c>grip</c>.</summary>
    public static IReadOnlyList<string> Grips { get; } = [GripOpen1Closed0, GripLibero];

    /// <summary>Values of <c>mode</c>.</summary>
    public static IReadOnlyList<string> Modes { get; } = [Replace, Append];

    /// <summary>Flag: nothing here drives a motor.</summary>
    public const string Shadow = "shadow";

    /// <summary>Flag: a sender did not say how old its part of the observation was; its age counts from arrival.</summary>
    public const string AgeUnknown = "age_unknown";

    /// <summary>Values in <c>flags</c>.</summary>
    public static IReadOnlyList<string> Flags { get; } = ["clamped", "stale_obs", "underrun", Shadow, "ensembled", AgeUnknown];
}
