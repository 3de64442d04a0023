using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using BitVla.Transport.Wire;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace BitVla.Transport.Mqtt;

/// <summary>An MQTT 5 broker inside this process, on loopback only, that enforces expiry by the monotonic clock.</summary>
/// <remarks>
/// MQTTnet 5.2 hands a message on whatever its age. So each publish that expires is stamped with the time at which it will
/// be overdue, as a user property of ours; just before a message goes out to a subscriber the stamp comes off, and
/// what is overdue stays behind. The stamp travels with the message, hence through queues, sessions and the retained store.
/// </remarks>
public sealed class EmbeddedBroker : IAsyncDisposable
{
    /// <summary>Messages that wait for one client; newer ones are dropped. Images wait here too, so it is not thousands.</summary>
    public const int MaxPendingMessages = 128;

    /// <summary>Topics with a retained message.</summary>
    public const int MaxRetainedTopics = 256;

    /// <summary>Bytes of a payload.</summary>
    public const int MaxPayloadBytes = WireLimits.ImageBytes;

    // MQTTnet keeps an unacknowledged message for good, and what stays behind is never acknowledged. A session that let
    // so many go overdue ends with its connection.
    private const int MaxOverdueInSession = 1024;

    private const string Stamp = "bitvla-due";
    private const string OverdueCount = "bitvla-overdue";
    private const int PortTries = 5;

    private readonly TimeProvider clock;
    private readonly ConcurrentDictionary<string, bool> retainedTopics = new(StringComparer.Ordinal);
    private MqttServer? server;
    private long overdue;
    private long refused;

    /// <summary>Creates a broker; nothing listens before <see cref="StartAsync"/>.</summary>
    /// <param name="port">TCP port; 0 for a free one.</param>
    /// <param name="clock">Monotonic clock.</param>
    public EmbeddedBroker(int port, TimeProvider clock)
    {
        Port = port;
        this.clock = clock;
    }

    /// <summary>The port it listens on; known after the first start, and kept over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>Messages dropped because they were overdue.</summary>
    public long Overdue => Interlocked.Read(ref overdue);

    /// <summary>Messages refused for their size, or as one retained topic too many.</summary>
    public long Refused => Interlocked.Read(ref refused);

    /// <summary>Starts listening on 127.0.0.1.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    public async Task StartAsync()
    {
        bool anyPort = Port == 0;
        for (int tries = PortTries; ; tries--)
        {
            int port = anyPort ? FreePort() : Port;
            try
            {
                await ListenAsync(port).ConfigureAwait(false);
                Port = port;
                return;
            }
            catch (SocketException) when (anyPort && tries > 1)
            {
                // Somebody took the free port between our look and our use of it.
            }
        }
    }

    /// <summary>Ends all connections; may be started again on the same port.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref server, null) is { } running)
        {
            await running.StopAsync(new MqttServerStopOptions()).ConfigureAwait(false);
            running.Dispose();
            retainedTopics.Clear();
        }
    }

    /// <summary>Stops.</summary>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    // No ReuseAddress: on Linux .NET makes of it SO_REUSEPORT too, and two brokers would share the port and its clients. A restart
    // needs none: .NET sets SO_REUSEADDR on every listener.
    private async Task ListenAsync(int port)
    {
        MqttServerOptions options = new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointPort(port)
            .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithPersistentSessions(true)
            .WithMaxPendingMessagesPerClient(MaxPendingMessages)
            .WithPendingMessagesOverflowStrategy(MqttPendingMessagesOverflowStrategy.DropNewMessage)
            .Build();
        MqttServer fresh = new MqttServerFactory().CreateMqttServer(options);
        fresh.InterceptingPublishAsync += AdmitAsync;
        fresh.InterceptingOutboundPacketAsync += ReleaseAsync;
        fresh.ClientDisconnectedAsync += args => EndSpoiledSessionAsync(fresh, args);
        try
        {
            await fresh.StartAsync().ConfigureAwait(false);
        }
        catch
        {
            fresh.Dispose();
            throw;
        }

        server = fresh;
    }

    private Task AdmitAsync(InterceptingPublishEventArgs args)
    {
        MqttApplicationMessage message = args.ApplicationMessage;
        if (message.Payload.Length > MaxPayloadBytes || (message.Retain && !MayRetain(message)))
        {
            Interlocked.Increment(ref refused);
            args.ProcessPublish = false;
            args.Response.ReasonCode = MqttPubAckReasonCode.QuotaExceeded;
            return Task.CompletedTask;
        }

        message.UserProperties?.RemoveAll(property => property.Name == Stamp);
        if (message.MessageExpiryInterval > 0)
        {
            long due = clock.GetTimestamp() + (message.MessageExpiryInterval * clock.TimestampFrequency);
            message.UserProperties ??= [];
            message.UserProperties.Add(new MqttUserProperty(Stamp, BitConverter.GetBytes(due).AsMemory()));
        }

        return Task.CompletedTask;
    }

    private bool MayRetain(MqttApplicationMessage message)
    {
        if (message.Payload.IsEmpty)
        {
            retainedTopics.TryRemove(message.Topic, out _);
            return true;
        }

        return retainedTopics.ContainsKey(message.Topic)
            || (retainedTopics.Count < MaxRetainedTopics && retainedTopics.TryAdd(message.Topic, true));
    }

    private Task ReleaseAsync(InterceptingPacketEventArgs args)
    {
        if (args.Packet is not MqttPublishPacket { UserProperties: { } properties } packet
            || properties.Find(property => property.Name == Stamp) is not { } stamp)
        {
            return Task.CompletedTask;
        }

        long left = BitConverter.ToInt64(stamp.ValueBuffer.Span) - clock.GetTimestamp();
        if (left <= 0)
        {
            Interlocked.Increment(ref overdue);
            args.ProcessPacket = false;
            if (packet.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtMostOnce && args.SessionItems is { } items)
            {
                items[OverdueCount] = (items[OverdueCount] as int? ?? 0) + 1;
            }

            return Task.CompletedTask;
        }

        // A packet of its own: the other one may be kept for a second sending, which needs the stamp again.
        args.Packet = new MqttPublishPacket
        {
            Topic = packet.Topic,
            TopicAlias = packet.TopicAlias,
            Payload = packet.Payload,
            PacketIdentifier = packet.PacketIdentifier,
            QualityOfServiceLevel = packet.QualityOfServiceLevel,
            Retain = packet.Retain,
            Dup = packet.Dup,
            ContentType = packet.ContentType,
            CorrelationData = packet.CorrelationData,
            ResponseTopic = packet.ResponseTopic,
            PayloadFormatIndicator = packet.PayloadFormatIndicator,
            SubscriptionIdentifiers = packet.SubscriptionIdentifiers,
            MessageExpiryInterval = (uint)((left + clock.TimestampFrequency - 1) / clock.TimestampFrequency),
            UserProperties = properties.FindAll(property => property.Name != Stamp),
        };
        return Task.CompletedTask;
    }

    private static async Task EndSpoiledSessionAsync(MqttServer server, ClientDisconnectedEventArgs args)
    {
        if (args.SessionItems?[OverdueCount] is int count && count >= MaxOverdueInSession)
        {
            MqttSessionStatus session = await server.GetSessionAsync(args.ClientId).ConfigureAwait(false);
            await session.DeleteAsync().ConfigureAwait(false);
        }
    }
}
