using BitVla.Edge.Host.Configuration;
using BitVla.Edge.Host.Verbs;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Says what this robot is: after each connect, when the model is ready, when the instruction changes and when asked.</summary>
internal sealed class Announcer(
    DaemonSettings settings, uint session, MqttLink link, InstructionSlot instruction, StateBoard board, Publisher publisher, TimeProvider clock)
{
    private LoadedModel? model;

    /// <summary>The model is there: says so, and from now on after each connect.</summary>
    public void ModelLoaded(LoadedModel loaded)
    {
        Volatile.Write(ref model, loaded);
        Announce();
    }

    /// <summary>Puts birth and state in line; nothing of the birth before the model is there.</summary>
    public void Announce()
    {
        if (Volatile.Read(ref model) is { } loaded)
        {
            publisher.Post(publisher.Birth(Birth(loaded)));
        }

        publisher.Post(publisher.State(board.Current));
    }

    private BirthMessage Birth(LoadedModel loaded)
    {
        var description = loaded.Policy.Description;
        var told = instruction.Current;
        return new BirthMessage
        {
            Session = session,
            Instance = link.Instance,
            TimeUs = clock.UnixMicroseconds(),
            Version = VersionCommand.Version,
            Model = loaded.ShortId,
            ModelName = loaded.Name,
            Unnorm = description.UnnormKey,
            Kernel = description.Kernel,
            Threads = description.Threads,
            ChunkLength = description.ChunkLength,
            ActionDim = description.ActionDim,
            StepMs = settings.ActionStepMs,
            Space = settings.ActionSpace,
            Frame = settings.ActionFrame,
            Names = settings.ActionNames,
            Units = settings.ActionUnits,
            Grip = ChunkBuilder.Grip(settings, description.GripperConvention),
            Cameras = description.Cameras,
            ProprioDim = description.ProprioDim,
            Instruction = told.Id,
            InstructionText = told.Text,
            Content = publisher.Content,
            Topics = Topics(description.Cameras),
            Schema = WireTables.SchemaHash,
        };
    }

    private List<string> Topics(IReadOnlyList<string> cameras)
    {
        var topics = publisher.Topics;
        return
        [
            topics.Status, topics.Birth, topics.State, topics.ActionChunk, topics.TelemetryInfer, topics.Event,
            topics.ObsProprio, .. cameras.Select(topics.ObsImage), .. CommandDesk.Verbs.Select(topics.Cmd),
        ];
    }
}
