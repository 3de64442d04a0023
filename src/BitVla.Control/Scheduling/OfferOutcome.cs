namespace BitVla.Control.Scheduling;

/// <summary>What became of a picture or a state that was offered.</summary>
public enum OfferOutcome
{
    /// <summary>Kept; an observation still lacks something.</summary>
    Kept,

    /// <summary>Completed an observation, which now waits.</summary>
    Completed,

    /// <summary>Completed an observation that replaced one which waited: that one is dropped.</summary>
    Replaced,

    /// <summary>Not kept: a later capture of the same source is already here.</summary>
    OutOfOrder,

    /// <summary>Not kept: older than the rules allow when it arrived.</summary>
    TooOld,

    /// <summary>Not kept: the model has no such camera, or takes no robot state.</summary>
    UnknownSource,

    /// <summary>Not kept: the robot state has another length than the model takes.</summary>
    WrongLength,

    /// <summary>Not kept: the robot state holds NaN or infinity. The state kept before is discarded too.</summary>
    NotFinite,
}
