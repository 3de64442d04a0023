namespace BitVla.Edge.Host.Configuration;

/// <summary>A value and where it came from: a file, an environment variable, the command line, or the default.</summary>
internal sealed record Setting(object? Value, string Origin);

/// <summary>The value of every key, after all sources were merged.</summary>
internal sealed class Settings(IReadOnlyDictionary<ConfigurationKey, Setting> given, IReadOnlyList<string> files)
{
    public const string DefaultOrigin = "default";

    /// <summary>Files that were read, in order.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>The value of a key and its origin.</summary>
    public Setting this[ConfigurationKey key] => given.TryGetValue(key, out var setting) ? setting : new Setting(key.DefaultValue, DefaultOrigin);

    /// <summary>The value of a key.</summary>
    public T Of<T>(ConfigurationKey<T> key) => given.TryGetValue(key, out var setting) ? (T)setting.Value! : key.Default;

    /// <summary>A text, or null when it is empty.</summary>
    public string? TextOf(TextKey key) => Of(key) is { Length: > 0 } text ? text : null;

    /// <summary>Milliseconds as time.</summary>
    public TimeSpan TimeOf(IntegerKey key) => TimeSpan.FromMilliseconds(Of(key) ?? throw new InvalidOperationException($"{key.Path} has no default."));

    /// <summary>A problem of a key, said with its origin.</summary>
    public string Problem(ConfigurationKey key, string problem) => $"{this[key].Origin}: {key.Path}: {problem}";
}
