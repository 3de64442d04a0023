using System.Threading.Channels;
using BitVla.Transport.Mqtt;

namespace BitVla.Transport.Tests.Mqtt;

/// <summary>A link whose callbacks can be awaited.</summary>
internal sealed class LinkRig : IAsyncDisposable
{
    private readonly Channel<(MqttLinkState State, string Reason)> states = Channel.CreateUnbounded<(MqttLinkState, string)>();
    private readonly Channel<InboundMessage> inbound = Channel.CreateUnbounded<InboundMessage>();

    public LinkRig(int port, TimeProvider? clock = null, Func<MqttLinkOptions, MqttLinkOptions>? with = null)
    {
        var options = new MqttLinkOptions { Port = port, Robot = "arm-1", Session = 7, ReconnectMax = TimeSpan.FromMilliseconds(200) };
        Link = new MqttLink(with?.Invoke(options) ?? options, clock ?? TimeProvider.System)
        {
            Received = message =>
            {
                OnReceived?.Invoke(message);
                inbound.Writer.TryWrite(message);
            },
            StateChanged = (state, reason) => states.Writer.TryWrite((state, reason)),
        };
    }

    public MqttLink Link { get; }

    public Action<InboundMessage>? OnReceived { get; set; }

    public static async Task<LinkRig> ConnectedAsync(int port, TimeProvider? clock = null, Func<MqttLinkOptions, MqttLinkOptions>? with = null)
    {
        var rig = new LinkRig(port, clock, with);
        rig.Link.Start();
        await rig.UntilAsync(MqttLinkState.Connected);
        return rig;
    }

    /// <summary>Waits for a change into a state; states before it are passed over.</summary>
    public async Task<string> UntilAsync(MqttLinkState wanted)
    {
        using var limit = new CancellationTokenSource(TestClient.Patience);
        while (true)
        {
            var (state, reason) = await states.Reader.ReadAsync(limit.Token);
            if (state == wanted)
            {
                return reason;
            }
        }
    }

    public async Task<InboundMessage> NextAsync()
    {
        using var limit = new CancellationTokenSource(TestClient.Patience);
        return await inbound.Reader.ReadAsync(limit.Token);
    }

    public ValueTask DisposeAsync() => Link.DisposeAsync();
}
