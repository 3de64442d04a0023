namespace BitVla.Kernels.Dispatch;

/// <summary>A kernel was forced that this processor or this binary cannot run.</summary>
public sealed class KernelUnavailableException : Exception
{
    /// <summary>Creates the exception.</summary>
    public KernelUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public KernelUnavailableException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>Creates the exception.</summary>
    public KernelUnavailableException()
    {
    }
}
