namespace BitVla.Edge.Host;

/// <summary>A setting that cannot be met.</summary>
internal sealed class ConfigurationException(string message) : Exception(message);

/// <summary>Arguments that do not fit the verb.</summary>
internal sealed class UsageException(string message) : Exception(message);
