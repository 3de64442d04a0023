using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using BitVla.Transport.Wire;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace BitVla.Transport.Mqtt;

/// <summary>One connection from its beginning to its end; a new one is made for each try.</summary>
internal sealed class MqttConnection : IAsyncDisposable
{
    // Topic, properties and header around the largest payload.
    private const uint MaxPacketBytes = WireLimits.ImageBytes + (64 * 1024);

    // With MQTTnet's own 8 KiB a large publish waits for delayed acknowledgements: 4 MiB took 2.3 s on loopback.
    private const int SocketBytes = 256 * 1024;

    // Commands that may be on their way at once; the broker holds back the rest.
    private const ushort MaxInFlight = 64;

    private readonly IMqttClient client = new MqttClientFactory().CreateMqttClient();
    private readonly MqttClientOptions settings;
    private readonly TimeSpan answerWithin;
    private readonly TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MqttConnection(MqttLinkOptions options, string clientId, X509Certificate2Collection? authorities, string? willTopic, byte[]? will)
    {
        answerWithin = options.AnswerWithin;
        MqttClientOptionsBuilder builder = new MqttClientOptionsBuilder()
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithTcpServer(options.Host, options.Port)
            .WithClientId(clientId)
            .WithCleanStart()
            .WithSessionExpiryInterval(0)
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(options.KeepAliveSeconds))
            .WithTimeout(options.AnswerWithin)
            .WithMaximumPacketSize(MaxPacketBytes)
            .WithReceiveMaximum(MaxInFlight);
        if (options.Username is not null)
        {
            builder.WithCredentials(options.Username, options.Password ?? "");
        }

        if (options.UseTls)
        {
            builder.WithTlsOptions(tls =>
            {
                tls.UseTls().WithTargetHost(options.Host);
                if (authorities is not null)
                {
                    tls.WithTrustChain(authorities);
                }
            });
        }

        if (will is not null)
        {
            builder.WithWillTopic(willTopic).WithWillPayload(will).WithWillContentType(WireContent.Of(options.Encoding))
                .WithWillRetain().WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).WithWillDelayInterval(0);
        }

        settings = builder.Build();
        ((MqttClientTcpOptions)settings.ChannelOptions).BufferSize = SocketBytes;
        client.DisconnectedAsync += OnDisconnectedAsync;
        client.ApplicationMessageReceivedAsync += args =>
        {
            Received?.Invoke(args.ApplicationMessage);
            return Task.CompletedTask;
        };
    }

    /// <summary>A message came, on the client's loop.</summary>
    public Action<MqttApplicationMessage>? Received { get; set; }

    /// <summary>Completes with the reason when the connection is over.</summary>
    public Task<string> Ended => ended.Task;

    /// <summary>Connects.</summary>
    /// <returns>Null when connected, else why not, and whether it was the broker who said no.</returns>
    public async Task<(bool Refused, string Reason)?> ConnectAsync(CancellationToken cancellation)
    {
        // The client forgets its own time limit when it is given a token: a broker that takes the connection and stays mute would hold it for ever.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(answerWithin);
        try
        {
            MqttClientConnectResult result = await client.ConnectAsync(settings, limit.Token).ConfigureAwait(false);
            return result.ResultCode == MqttClientConnectResultCode.Success ? null
                : (true, string.IsNullOrEmpty(result.ReasonString) ? $"{result.ResultCode}" : $"{result.ResultCode}: {result.ReasonString}");
        }
        catch (Exception e) when (IsOfTheWorld(e))
        {
            cancellation.ThrowIfCancellationRequested();
            return (false, limit.IsCancellationRequested ? "no answer to the connection in time" : Reason(e));
        }
    }

    /// <summary>Subscribes.</summary>
    /// <returns>Null when all were granted, else which was not and why.</returns>
    public async Task<string?> SubscribeAsync(CancellationToken cancellation, params MqttTopicFilter[] filters)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(answerWithin);

            // One by one: brokers differ in whether one refused filter spoils the answer to the others.
            foreach (MqttTopicFilter filter in filters)
            {
                MqttClientSubscribeResult result =
                    await client.SubscribeAsync(new MqttClientSubscribeOptions { TopicFilters = [filter] }, limit.Token).ConfigureAwait(false);
                if (result.Items.FirstOrDefault()?.ResultCode is not { } code || code > MqttClientSubscribeResultCode.GrantedQoS2)
                {
                    return $"{filter.Topic}: {result.Items.FirstOrDefault()?.ResultCode}";
                }
            }

            return null;
        }
        catch (Exception e) when (IsOfTheWorld(e))
        {
            cancellation.ThrowIfCancellationRequested();
            return Reason(e);
        }
    }

    /// <summary>Publishes; never throws for what the network does, and gives the connection up when it does not take the message in time.</summary>
    public async Task<bool> PublishAsync(MqttApplicationMessage message, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(answerWithin);
        try
        {
            MqttClientPublishResult result = await client.PublishAsync(message, limit.Token).ConfigureAwait(false);
            return result.IsSuccess;
        }
        catch (Exception e) when (IsOfTheWorld(e))
        {
            if (limit.IsCancellationRequested)
            {
                // A message cut off in the middle of the stream would spoil all that follow.
                ended.TrySetResult("no answer to a publish in time");
            }

            return false;
        }
    }

    /// <summary>Ends the connection from within a callback.</summary>
    public void GiveUp(string reason) => ended.TrySetResult(reason);

    /// <summary>Says goodbye, so that the will stays unsaid.</summary>
    public async Task DisconnectAsync()
    {
        using var limit = new CancellationTokenSource(answerWithin);
        try
        {
            await client.DisconnectAsync(new MqttClientDisconnectOptions { Reason = MqttClientDisconnectOptionsReason.NormalDisconnection }, limit.Token)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (IsOfTheWorld(e))
        {
            // It is over either way.
        }
    }

    public ValueTask DisposeAsync()
    {
        Received = null;
        ended.TrySetResult("closed");
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool IsOfTheWorld(Exception e) =>
        e is MqttCommunicationException or MqttProtocolViolationException or MqttClientNotConnectedException or OperationCanceledException
            or SocketException or IOException or AuthenticationException or ObjectDisposedException or InvalidOperationException;

    private static string Reason(Exception e) => e.InnerException is { } inner ? $"{e.Message} {inner.Message}" : e.Message;

    private Task OnDisconnectedAsync(MqttClientDisconnectedEventArgs args)
    {
        string reason = args.Exception is { } e ? Reason(e) : $"{args.Reason}";
        ended.TrySetResult(string.IsNullOrEmpty(args.ReasonString) ? reason : $"{reason}: {args.ReasonString}");
        return Task.CompletedTask;
    }
}
