namespace BitVla.Control.Scheduling;

/// <summary>What makes an observation. The rule itself stands at <see cref="ObservationAssembler"/>.</summary>
/// <param name="Cameras">Cameras that must each give a picture, in the model's order.</param>
/// <param name="ProprioDim">Length of the robot state that must come with them; 0 when the model takes none.</param>
/// <param name="MaxSkew">Most time between the first and the last capture of one observation.</param>
/// <param name="MaxAge">Oldest capture that may still enter a pass.</param>
/// <param name="Patience">How long an observation may fail to come before the reason is given.</param>
public sealed record ObservationRules(IReadOnlyList<string> Cameras, int ProprioDim, TimeSpan MaxSkew, TimeSpan MaxAge, TimeSpan Patience);
