using BitVla.Contracts;
using BitVla.Edge.Host.Daemon;
using BitVla.Format;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Tests.Daemon;

/// <summary>A policy that answers at once, or holds a pass until the test lets it go.</summary>
internal sealed class ScriptedPolicy : IPolicy
{
    public const int ChunkLength = 2;
    public static readonly string[] Cameras = ["front", "wrist"];
    public static readonly string[] Names = ["x", "y", "grip"];

    private readonly SemaphoreSlim begun = new(0);
    private readonly SemaphoreSlim allowed = new(0);

    public PolicyDescription Description { get; } =
        new(new string('a', 64), Cameras, 2, ChunkLength, Names.Length, "bench", ModelManifest.LiberoGripper, "reference", 1);

    /// <summary>Whether each pass waits for <see cref="Allow"/>.</summary>
    public bool Holds { get; init; }

    /// <summary>What a pass does besides; may throw.</summary>
    public Action<Observation>? During { get; set; }

    public bool Disposed { get; private set; }

    public Func<CancellationToken, LoadedModel> Loader => _ => new LoadedModel(this, "scripted", () => new StageTimes(1.5, Vision: 1));

    /// <summary>Waits until a pass runs.</summary>
    public Task BegunAsync() => begun.WaitAsync(TestContext.Current.CancellationToken);

    /// <summary>Lets the pass that waits go on.</summary>
    public void Allow() => allowed.Release();

    public void Predict(Observation observation, ActionChunk chunk, CancellationToken cancellation)
    {
        begun.Release();
        if (Holds)
        {
            allowed.Wait(cancellation);
        }

        During?.Invoke(observation);
        for (int i = 0; i < chunk.Actions.Length; i++)
        {
            chunk.Actions[i] = observation.Proprio.Span[0] + i;
            chunk.EnvironmentActions[i] = i % Names.Length == Names.Length - 1 ? -1 : chunk.Actions[i];
        }

        chunk.GripperConvention = ModelManifest.LiberoGripper;
        chunk.SequenceLength = 42;
    }

    public void Dispose()
    {
        Disposed = true;
        begun.Dispose();
        allowed.Dispose();
    }
}
