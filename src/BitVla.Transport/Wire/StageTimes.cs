namespace BitVla.Transport.Wire;

/// <summary>Milliseconds of the stages of a pass; a stage that was not measured is absent.</summary>
/// <param name="Total">From the observation's arrival to its chunk.</param>
/// <param name="Capture">Waiting for and decoding the pictures.</param>
/// <param name="Preprocess">Resizing and normalising.</param>
/// <param name="Vision">The vision tower.</param>
/// <param name="Language">The decoder.</param>
/// <param name="Head">The action head.</param>
public sealed record StageTimes(
    double Total, double? Capture = null, double? Preprocess = null, double? Vision = null, double? Language = null, double? Head = null);
