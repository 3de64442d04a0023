namespace BitVla.Control.Scheduling;

/// <summary>One encoded picture with the moment of its capture.</summary>
/// <param name="Camera">The camera's name.</param>
/// <param name="Encoded">The file as it came; not decoded yet.</param>
/// <param name="CaptureTime">Monotonic time of the capture, by this machine's clock.</param>
public sealed record CapturedImage(string Camera, ReadOnlyMemory<byte> Encoded, TimeSpan CaptureTime);

/// <summary>Pictures and robot state that belong together, ready for one pass.</summary>
/// <param name="Sequence">
/// The sender's number of the robot state; of the first camera's picture where the model takes no state; our own count where the
/// sender gave none.
/// </param>
/// <param name="Images">One picture a camera, in the model's order.</param>
/// <param name="Proprio">Robot state [Dp]; empty when the model takes none.</param>
/// <param name="CaptureTime">Monotonic time of the oldest capture.</param>
/// <param name="Skew">Time between the first and the last capture.</param>
/// <param name="CompletedTime">Monotonic time at which the last part arrived.</param>
/// <param name="AgeGiven">False when a sender did not say how old its part was: that part's age counts from its arrival.</param>
public sealed record AssembledObservation(
    uint Sequence,
    IReadOnlyList<CapturedImage> Images,
    ReadOnlyMemory<double> Proprio,
    TimeSpan CaptureTime,
    TimeSpan Skew,
    TimeSpan CompletedTime,
    bool AgeGiven);
