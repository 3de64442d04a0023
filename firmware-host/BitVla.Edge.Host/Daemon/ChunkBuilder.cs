using BitVla.Contracts;
using BitVla.Control.Scheduling;
using BitVla.Edge.Host.Configuration;
using BitVla.Format;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Turns a filled chunk to the message that leaves.</summary>
internal sealed class ChunkBuilder(DaemonSettings settings, uint session, TimeProvider clock)
{
    private readonly Ulid ids = new(clock);
    private uint sequence;

    /// <summary>The word for what the last number of an action means.</summary>
    public static string Grip(DaemonSettings settings, string convention) =>
        convention == ModelManifest.LiberoGripper && !settings.RawGripper ? WireWords.GripLibero : WireWords.GripOpen1Closed0;

    /// <summary>Builds the message; counts it.</summary>
    public ChunkMessage Build(LoadedModel model, ActionChunk chunk, AssembledObservation observation, Instruction instruction, SynchronousPlan plan, StageTimes times)
    {
        long now = clock.UnixMicroseconds();
        long age = (long)plan.Age.TotalMicroseconds;
        return new ChunkMessage
        {
            Session = session,
            Sequence = ++sequence,
            ChunkId = ids.Next(),
            ObservationSequence = observation.Sequence,
            ObservedUs = now - age,
            PublishedUs = now,
            AgeUs = (uint)Math.Clamp(age, 0, uint.MaxValue),
            TtlMs = (uint)plan.Ttl.TotalMilliseconds,
            StepMs = settings.ActionStepMs,
            Start = plan.Start,
            ChunkLength = chunk.ChunkLength,
            ActionDim = chunk.ActionDim,
            Space = settings.ActionSpace,
            Frame = settings.ActionFrame,
            Names = settings.ActionNames,
            Units = settings.ActionUnits,
            Grip = Grip(settings, chunk.GripperConvention),
            Instruction = instruction.Id,
            Flags = observation.AgeGiven ? [WireWords.Shadow] : [WireWords.Shadow, WireWords.AgeUnknown],
            Model = model.ShortId,
            Latency = times,
            Actions = (settings.RawGripper ? chunk.Actions : chunk.EnvironmentActions).ToArray(),
        };
    }
}
