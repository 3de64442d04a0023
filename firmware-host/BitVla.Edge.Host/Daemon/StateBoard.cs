using BitVla.Transport.Wire;
using Microsoft.Extensions.Logging;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Where the daemon stands and why; published when it changes.</summary>
/// <remarks>
/// WAITING: something is missing, the reasons say what. RUNNING_SHADOW: passes run and their chunks are published, but nothing here
/// drives a motor. PAUSED: told not to start passes.
/// </remarks>
internal sealed class StateBoard(uint session, InstructionSlot instruction, Publisher publisher, TimeProvider clock, ILogger<StateBoard> log)
{
    public const string Waiting = "WAITING";
    public const string Running = "RUNNING_SHADOW";
    public const string Paused = "PAUSED";
    public const string ModelLoading = "MODEL_LOADING";
    public const string InstructionMissing = "INSTRUCTION_MISSING";
    public const string ObservationNone = "OBSERVATION_NONE";

    private readonly Lock door = new();
    private Func<(bool Any, IReadOnlyList<string> Reasons)>? observations;
    private string? pausedBecause;
    private uint pauses;
    private StateMessage current = new() { Session = session, State = Waiting, SinceUs = clock.UnixMicroseconds(), Reasons = [ModelLoading] };

    /// <summary>The state as it was last published.</summary>
    public StateMessage Current
    {
        get
        {
            lock (door)
            {
                return current;
            }
        }
    }

    /// <summary>Whether passes may not start.</summary>
    public bool IsPaused
    {
        get
        {
            lock (door)
            {
                return pausedBecause is not null;
            }
        }
    }

    /// <summary>Pauses so far: a pass that began under another number must not speak.</summary>
    public uint Pauses => Volatile.Read(ref pauses);

    /// <summary>The model is there; from now on this says how observations fare.</summary>
    public void ModelLoaded(Func<(bool Any, IReadOnlyList<string> Reasons)> source)
    {
        lock (door)
        {
            observations = source;
        }

        Refresh();
    }

    /// <summary>Starts no passes from now on.</summary>
    public void Pause(string because)
    {
        lock (door)
        {
            pausedBecause = because;
            pauses++;
        }

        Refresh();
    }

    /// <summary>Starts passes again.</summary>
    public void Resume()
    {
        lock (door)
        {
            pausedBecause = null;
        }

        Refresh();
    }

    /// <summary>Works the state out anew and publishes it if it changed.</summary>
    public void Refresh()
    {
        lock (door)
        {
            var (state, reasons) = Derive();
            uint id = instruction.Current.Id;
            if (state == current.State && current.Instruction == id && reasons.SequenceEqual(current.Reasons, StringComparer.Ordinal))
            {
                return;
            }

            long since = state == current.State ? current.SinceUs : clock.UnixMicroseconds();
            current = current with { State = state, SinceUs = since, Reasons = reasons, Instruction = id };
            DaemonLog.State(log, state, string.Join(',', reasons));
            publisher.Post(publisher.State(current));
        }
    }

    private (string State, IReadOnlyList<string> Reasons) Derive()
    {
        if (pausedBecause is not null)
        {
            return (Paused, [pausedBecause]);
        }

        if (observations is null)
        {
            return (Waiting, [ModelLoading]);
        }

        if (instruction.Current.Id == 0)
        {
            return (Waiting, [InstructionMissing]);
        }

        var (any, reasons) = observations();
        return reasons.Count > 0 ? (Waiting, reasons) : any ? (Running, []) : (Waiting, [ObservationNone]);
    }
}
