using BitVla.Contracts;
using BitVla.Transport.Wire;

namespace BitVla.Edge.Host.Daemon;

/// <summary>A policy that is ready, with what only the real one can tell.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Name">The model's own name.</param>
/// <param name="Stages">Times of the last pass, without waiting and decoding.</param>
internal sealed record LoadedModel(IPolicy Policy, string Name, Func<StageTimes> Stages)
{
    private const int IdDigits = 16;

    /// <summary>First 16 hexadecimal digits of the model's id, as messages call it.</summary>
    public string ShortId { get; } = Policy.Description.ModelId[..Math.Min(IdDigits, Policy.Description.ModelId.Length)];
}

/// <summary>Makes the policy on the inference thread.</summary>
internal delegate LoadedModel ModelLoader(CancellationToken cancellation);
