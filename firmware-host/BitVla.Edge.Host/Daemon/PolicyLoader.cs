using BitVla.Edge.Host.Configuration;
using BitVla.Model;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>Loads the model file of the settings.</summary>
internal static class PolicyLoader
{
    public static LoadedModel Load(DaemonSettings settings, CancellationToken cancellation)
    {
        var policy = BitVlaPolicy.Load(settings.ModelFile, settings.Policy, cancellation);
        var unknown = settings.Policy.Rotate180.Except(policy.Description.Cameras).ToArray();
        if (unknown.Length == 0)
        {
            return new LoadedModel(policy, policy.Model.Manifest.Name, () => Times(policy.Timings));
        }

        string known = string.Join(", ", policy.Description.Cameras);
        policy.Dispose();
        throw new ConfigurationException($"{ConfigurationKeys.EngineRotate180.Path}: expected some of {known}, found {unknown[0]}");
    }

    private static StageTimes Times(StageTimings timings) => new(
        timings.Total.TotalMilliseconds,
        Preprocess: timings[Stage.Images].TotalMilliseconds,
        Vision: (timings[Stage.Vision] + timings[Stage.Connector]).TotalMilliseconds,
        Language: (timings[Stage.Sequence] + timings[Stage.Decoder]).TotalMilliseconds,
        Head: timings[Stage.Action].TotalMilliseconds);
}
