namespace BitVla.Contracts;

/// <summary>The policy produced NaN or infinity. Nothing of the chunk may be used.</summary>
public sealed class NonFiniteActionException : Exception
{
    /// <summary>Creates the exception for the first value that is not finite.</summary>
    public NonFiniteActionException(int step, int dimension, float value)
        : base($"normalized_actions[{step},{dimension}]: expected a finite number, found {value}")
    {
    }
}
