namespace BitVla.Transport.Mqtt;

/// <summary>An MQTT 5 broker inside this process, on loopback only, that enforces expiry by the monotonic clock.</summary>
public sealed class EmbeddedBroker : IAsyncDisposable
{
    /// <summary>Creates a broker; nothing listens before <see cref="StartAsync"/>.</summary>
    /// <param name="port">TCP port; 0 for a free one.</param>
    /// <param name="clock">Monotonic clock.</param>
    public EmbeddedBroker(int port, TimeProvider clock) => throw new NotImplementedException();

    /// <summary>The port it listens on; known after the first start, and kept over restarts.</summary>
    public int Port => throw new NotImplementedException();

    /// <summary>Messages dropped because they were overdue.</summary>
    public long Overdue => throw new NotImplementedException();

    /// <summary>Starts listening on 127.0.0.1.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The port is taken.</exception>
    public Task StartAsync() => throw new NotImplementedException();

    /// <summary>Ends all connections; may be started again on the same port.</summary>
    public Task StopAsync() => throw new NotImplementedException();

    /// <summary>Stops.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
