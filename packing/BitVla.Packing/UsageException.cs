namespace BitVla.Packing;

/// <summary>The command line parses but cannot be meant: exit code 1, the message as it is.</summary>
internal sealed class UsageException(string message) : Exception(message);
