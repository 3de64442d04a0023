namespace BitVla.Contracts;

/// <summary>The policy produced NaN or infinity. Nothing of the chunk may be used.</summary>
public sealed class NonFiniteActionException : Exception
{
    /// <summary>Creates the exception for the first value that is not finite.</summary>
    public NonFiniteActionException(string doorway, int step, int dimension, double value)
        : base($"{doorway}[{step},{dimension}]: expected a finite number, found {value}")
    {
    }
}
