using BitVla.Contracts;
using BitVla.Control.Scheduling;
using BitVla.Edge.Host.Configuration;
using BitVla.Format;
using BitVla.Kernels.Dispatch;
using BitVla.Transport.Cameras;
using BitVla.Transport.Mqtt;
using BitVla.Transport.Wire;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace BitVla.Edge.Host.Daemon;

/// <summary>The one thread that decodes pictures and runs passes. It waits at the slot, and nobody waits for it.</summary>
internal sealed class InferenceLoop(
    ModelLoader load,
    DaemonSettings settings,
    ObservationDesk observations,
    InstructionSlot instruction,
    StateBoard board,
    ChunkBuilder chunks,
    PassStatistics statistics,
    Announcer announcer,
    Publisher publisher,
    MqttLink link,
    EventReporter events,
    DaemonOutcome outcome,
    TimeProvider clock,
    ILogger<InferenceLoop> log) : IHostedService, IDisposable
{
    // A pass looks at its token a few times a layer; the slowest board's layer takes less.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);
    private static readonly ImageLimits Limits = new(MaximumEncodedBytes: WireLimits.ImageBytes);

    private readonly CancellationTokenSource stop = new();
    private readonly StbImageDecoder decoder = new();
    private Thread? thread;
    private LoadedModel? model;

    /// <summary>The model in use; null until it is loaded.</summary>
    public LoadedModel? Model => Volatile.Read(ref model);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        thread = new Thread(Run) { Name = "inference", IsBackground = true };
        thread.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        stop.Cancel();
        bool ended = thread?.Join(Farewell) ?? true;
        DaemonLog.Stopped(log, ended);
        return Task.CompletedTask;
    }

    public void Dispose() => stop.Dispose();

    private void Run()
    {
        try
        {
            var loaded = Load();
            try
            {
                var chunk = new ActionChunk(loaded.Policy.Description.ChunkLength, loaded.Policy.Description.ActionDim);
                while (true)
                {
                    Pass(loaded, chunk, observations.Slot.Take(stop.Token));
                }
            }
            finally
            {
                // Here, where no pass can be running over the map.
                loaded.Policy.Dispose();
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
        catch (Exception cause)
        {
            if (cause is ArtifactException)
            {
                events.Report(EventSeverity.Critical, EventCodes.ModelInvalid, cause.Message);
            }

            DaemonLog.Failed(log, cause is ArtifactException or ConfigurationException or KernelUnavailableException ? cause.Message : cause.ToString());
            outcome.Fail(cause);
        }
    }

    private LoadedModel Load()
    {
        var begun = clock.Monotonic();
        var loaded = load(stop.Token);
        var description = loaded.Policy.Description;
        try
        {
            settings.CheckAgainst(description.ActionDim);
        }
        catch
        {
            loaded.Policy.Dispose();
            throw;
        }

        Volatile.Write(ref model, loaded);
        observations.Open(description);
        announcer.ModelLoaded(loaded);
        events.Report(EventSeverity.Notice, EventCodes.ModelReady, loaded.Name, ("model", loaded.ShortId), ("kernel", description.Kernel));
        DaemonLog.Ready(
            log, loaded.ShortId, description.Kernel, description.Threads, description.ChunkLength, description.ActionDim, (long)(clock.Monotonic() - begun).TotalMilliseconds);
        return loaded;
    }

    private void Pass(LoadedModel loaded, ActionChunk chunk, AssembledObservation observation)
    {
        // The instruction is read once: the whole pass obeys it, and the chunk says which it was.
        uint pauses = board.Pauses;
        var told = instruction.Current;
        if (board.IsPaused || told.Id == 0)
        {
            statistics.CountDropped();
            return;
        }

        if (!observations.IsTimely(observation))
        {
            statistics.CountDropped();
            events.Report(EventSeverity.Warning, EventCodes.ObservationOverdue, "An observation became too old while it waited for its pass.");
            return;
        }

        try
        {
            var frames = Decode(observation);
            double captureMs = (clock.Monotonic() - observation.CompletedTime).TotalMilliseconds;
            loaded.Policy.Predict(new Observation(frames, observation.Proprio, told.Text), chunk, stop.Token);
            if (board.Pauses == pauses)
            {
                Publish(loaded, chunk, observation, told, captureMs);
            }
        }
        catch (ImageDecodeException wrong)
        {
            Refuse(EventSeverity.Warning, EventCodes.ImageRefused, wrong.Message);
        }
        catch (ObservationException wrong)
        {
            Refuse(EventSeverity.Warning, EventCodes.ObservationRefused, wrong.Message);
        }
        catch (NonFiniteActionException wrong)
        {
            Refuse(EventSeverity.Critical, EventCodes.ChunkNotFinite, wrong.Message);
        }
        catch (WireException wrong) when (wrong.Code == WireCodes.NonFinite)
        {
            Refuse(EventSeverity.Critical, EventCodes.ChunkNotFinite, wrong.Message);
        }
    }

    private CameraFrame[] Decode(AssembledObservation observation)
    {
        var frames = new CameraFrame[observation.Images.Count];
        for (int i = 0; i < frames.Length; i++)
        {
            var image = observation.Images[i];
            var frame = decoder.Decode(image.Camera, image.Encoded, Limits);
            frames[i] = new CameraFrame(frame.Camera, frame.Width, frame.Height, frame.Rgb, image.CaptureTime);
        }

        return frames;
    }

    private void Publish(LoadedModel loaded, ActionChunk chunk, AssembledObservation observation, Instruction told, double captureMs)
    {
        var stages = loaded.Stages();
        var plan = SynchronousPlan.At(observation.CaptureTime, clock.Monotonic(), settings.ActionTtl);
        var times = stages with { Total = (clock.Monotonic() - observation.CompletedTime).TotalMilliseconds, Capture = captureMs };
        if (!plan.IsTimely)
        {
            Refuse(EventSeverity.Warning, EventCodes.ChunkOverdue, "A chunk was ready only after its time to live.");
            return;
        }

        var message = chunks.Build(loaded, chunk, observation, told, plan, times);

        // Quality 0: handed to the connection or dropped, never waited for.
        link.PublishAsync(publisher.Chunk(message, plan.Remaining), stop.Token).GetAwaiter().GetResult();
        statistics.CountPass(times, chunk.SequenceLength);
        DaemonLog.Chunk(log, message.Sequence, message.ObservationSequence, message.Instruction, (long)plan.Age.TotalMilliseconds, (long)stages.Total);
    }

    private void Refuse(EventSeverity severity, string code, string message)
    {
        statistics.CountFailure();
        events.Report(severity, code, message);
    }
}
