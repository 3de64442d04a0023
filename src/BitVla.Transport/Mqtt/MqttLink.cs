using BitVla.Transport.Wire;

namespace BitVla.Transport.Mqtt;

/// <summary>The daemon's connection: keeps itself alive, holds the robot's name, delivers what arrives.</summary>
public sealed class MqttLink : IAsyncDisposable
{
    /// <summary>Creates a link; nothing happens before <see cref="Start"/>.</summary>
    public MqttLink(MqttLinkOptions options, TimeProvider clock) => throw new NotImplementedException();

    /// <summary>Topics of this robot.</summary>
    public WireTopics Topics => throw new NotImplementedException();

    /// <summary>Random name of this run; in status, birth and claim.</summary>
    public string Instance => throw new NotImplementedException();

    /// <summary>Monotonic time since the link was made; the clock of <see cref="InboundMessage.ReceivedAt"/>.</summary>
    public TimeSpan Elapsed => throw new NotImplementedException();

    /// <summary>Where the link stands.</summary>
    public MqttLinkState State => throw new NotImplementedException();

    /// <summary>Why it is not connected, in words; empty when it is.</summary>
    public string Reason => throw new NotImplementedException();

    /// <summary>What it did so far.</summary>
    public MqttLinkCounters Counters => throw new NotImplementedException();

    /// <summary>Called on each (re)connect after the status went out: publish birth, state and what else is to be known. Set before <see cref="Start"/>.</summary>
    public Func<CancellationToken, Task>? Connected { get; set; }

    /// <summary>Called for each message, on the MQTT loop: must return at once and never block. Set before <see cref="Start"/>.</summary>
    public Action<InboundMessage>? Received { get; set; }

    /// <summary>Called when the state changes, with the reason. Set before <see cref="Start"/>.</summary>
    public Action<MqttLinkState, string>? StateChanged { get; set; }

    /// <summary>Called when another daemon asked for this robot's name and was refused, with its instance. Set before <see cref="Start"/>.</summary>
    public Action<string>? NameContended { get; set; }

    /// <summary>Called when the loop stood still for longer than allowed, with how long. Set before <see cref="Start"/>.</summary>
    public Action<TimeSpan>? GapFound { get; set; }

    /// <summary>Starts connecting, and keeps connected until <see cref="StopAsync"/>.</summary>
    public void Start() => throw new NotImplementedException();

    /// <summary>Publishes; never throws for what the network does.</summary>
    /// <returns>False when it was dropped: no connection, no answer in time, or the broker refused it.</returns>
    public Task<bool> PublishAsync(OutboundMessage message, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Publishes <c>stopped</c>, disconnects so that the will stays unsaid, and ends.</summary>
    public Task StopAsync(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Ends without a word: the broker publishes the will. Use <see cref="StopAsync"/> first for a clean end.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
