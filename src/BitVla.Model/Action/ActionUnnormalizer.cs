using BitVla.Contracts;
using BitVla.Format;

namespace BitVla.Model.Action;

/// <summary>Normalised actions to the dataset's units: here dimensionless numbers end.</summary>
/// <remarks>
/// Numerics: 0.5(â + 1)(q99 - q01 + 1e-8) + q01 where the mask holds, else â; 0.5(â + 1) in float32 and the rest in double, which is
/// what the authors' array library makes of a float32 chunk and float64 statistics. Values are not clipped, as in the authors' code;
/// limits are the safety envelope's. Source: BITVLA.md section 9.
/// </remarks>
internal sealed class ActionUnnormalizer(ModelStatistics statistics, string gripperConvention)
{
    /// <summary>Name of the statistics.</summary>
    public string UnnormKey => statistics.Name;

    /// <summary>Fills <see cref="ActionChunk.Actions"/> and <see cref="ActionChunk.EnvironmentActions"/> from the normalised values.</summary>
    public void Apply(ActionChunk chunk)
    {
        var normalized = chunk.Normalized.Values;
        var actions = chunk.Actions;
        int dim = chunk.ActionDim;
        for (int i = 0; i < normalized.Length; i++)
        {
            int j = i % dim;
            actions[i] = statistics.ActionMask[j]
                ? 0.5f * (normalized[i] + 1f) * (statistics.ActionQ99[j] - statistics.ActionQ01[j] + 1e-8) + statistics.ActionQ01[j]
                : normalized[i];
        }

        actions.CopyTo(chunk.EnvironmentActions);
        if (gripperConvention == ModelManifest.LiberoGripper)
        {
            for (int i = dim - 1; i < normalized.Length; i += dim)
            {
                chunk.EnvironmentActions[i] = LiberoGripper(actions[i]);
            }
        }

        chunk.GripperConvention = gripperConvention;
        chunk.UnnormKey = statistics.Name;
    }

    /// <summary>Above 0.5 is open, -1; below is close, +1; exactly 0.5 stays 0.</summary>
    public static double LiberoGripper(double predicted) => predicted > 0.5 ? -1.0 : predicted < 0.5 ? 1.0 : 0.0;
}
