using BitVla.Contracts;
using BitVla.Format;

namespace BitVla.Model.Projection;

/// <summary>Robot state in physical units [Dp] to [-1, 1] by the dataset's quantiles, in double as the authors do.</summary>
/// <remarks>
/// Numerics: 2(p - q01)/(q99 - q01 + 1e-8) - 1 where the mask holds, all clipped to [-1, 1], then float32. The authors' bf16 run
/// rounds once more because all its activations are bf16; ours, like the float32 run behind the goldens, stay float32.
/// </remarks>
internal sealed class ProprioNormalizer(ModelStatistics statistics)
{
    /// <summary>Normalises a state.</summary>
    /// <exception cref="ObservationException">Wrong length, or a value that is not finite.</exception>
    public void Normalize(ReadOnlySpan<double> state, Span<float> normalized)
    {
        if (state.Length != normalized.Length)
        {
            throw new ObservationException("state", $"{normalized.Length} numbers", $"{state.Length}");
        }

        for (int i = 0; i < state.Length; i++)
        {
            if (!double.IsFinite(state[i]))
            {
                throw new ObservationException($"state[{i}]", "a finite number", $"{state[i]}");
            }

            double value = statistics.ProprioMask[i]
                ? 2.0 * (state[i] - statistics.ProprioQ01[i]) / (statistics.ProprioQ99[i] - statistics.ProprioQ01[i] + 1e-8) - 1.0
                : state[i];
            normalized[i] = (float)Math.Clamp(value, -1.0, 1.0);
        }
    }
}
