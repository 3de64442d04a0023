using System.Buffers;
using System.Globalization;
using BitVla.Transport.Wire;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace BitVla.Transport.Mqtt;

// What arrives. Everything here runs on the client's loop or on the heartbeat's timer, and returns at once.
public sealed partial class MqttLink
{
    /// <summary>Bytes of a reply's token; a longer one gets no reply.</summary>
    public const int MaxCorrelationBytes = 256;

    private static readonly TimeSpan RepeatAfter = TimeSpan.FromSeconds(1);

    private long received;
    private long ignored;
    private long barrierSentAt;
    private long statusHealedAt;

    private static MqttTopicFilter Filter(
        string topic,
        MqttQualityOfServiceLevel qos = MqttQualityOfServiceLevel.AtLeastOnce,
        MqttRetainHandling retained = MqttRetainHandling.SendAtSubscribe,
        bool noLocal = false,
        bool asPublished = false) => new()
        {
            Topic = topic,
            QualityOfServiceLevel = qos,
            RetainHandling = retained,
            NoLocal = noLocal,
            RetainAsPublished = asPublished,
        };

    private static uint? Unsigned(List<MqttUserProperty>? properties, string name) =>
        Number(properties, name) is >= 0 and <= uint.MaxValue and var number ? (uint)number : null;

    private static long? Number(List<MqttUserProperty>? properties, string name)
    {
        long? found = null;
        foreach (MqttUserProperty property in properties ?? [])
        {
            if (property.Name != name)
            {
                continue;
            }

            if (found is not null || !long.TryParse(property.ValueBuffer.Span, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                return null;
            }

            found = number;
        }

        return found;
    }

    // The status that is kept says who was here; a claim that is kept says nothing of now.
    private MqttTopicFilter[] AskerFilters() =>
    [
        Filter(Topics.Claim, retained: MqttRetainHandling.DoNotSendOnSubscribe, noLocal: true),
        Filter(Topics.Status),
    ];

    // Claims without No-Local: the barrier must come back. The status tells us when somebody else overwrote ours.
    private MqttTopicFilter[] Filters() =>
    [
        Filter(Topics.Claim, retained: MqttRetainHandling.DoNotSendOnSubscribe),
        Filter(Topics.Status, retained: MqttRetainHandling.DoNotSendOnSubscribe, noLocal: true),
        Filter(Topics.CmdFilter, retained: MqttRetainHandling.SendAtSubscribe, asPublished: true),
        Filter(Topics.ObsFilter, MqttQualityOfServiceLevel.AtMostOnce, MqttRetainHandling.DoNotSendOnSubscribe, noLocal: true),
    ];

    private void OnMessage(MqttConnection connection, MqttApplicationMessage message)
    {
        bool waited = gap.Receive(out TimeSpan? found);
        if (found is { } silence)
        {
            NoteGap(silence);
        }

        bool known = Topics.TryParse(message.Topic, out WireTopicKind kind, out ReadOnlySpan<char> name);
        int limit = kind switch
        {
            WireTopicKind.Proprio => WireLimits.ProprioBytes,
            WireTopicKind.Command => WireLimits.CommandBytes,
            WireTopicKind.Image => WireLimits.ImageBytes,
            _ => 0,
        };
        if (!known || limit == 0)
        {
            OnClaimMessage(connection, message);
            return;
        }

        long bytes = message.Payload.Length;
        Interlocked.Increment(ref received);
        int correlation = message.CorrelationData?.Length ?? 0;
        Received?.Invoke(new InboundMessage
        {
            Kind = kind,
            Name = name.ToString(),
            Payload = bytes <= limit ? message.Payload.ToArray() : ReadOnlyMemory<byte>.Empty,
            TooLarge = bytes <= limit ? 0 : bytes,
            ContentType = string.IsNullOrEmpty(message.ContentType) ? null : message.ContentType,
            Retained = message.Retain,
            ExpirySeconds = message.MessageExpiryInterval == 0 ? null : message.MessageExpiryInterval,
            ResponseTopic = correlation <= MaxCorrelationBytes && Topics.IsResponse(message.ResponseTopic) ? message.ResponseTopic : null,
            CorrelationData = correlation <= MaxCorrelationBytes ? message.CorrelationData?.ToArray() ?? [] : [],
            Sequence = Unsigned(message.UserProperties, "seq"),
            TimeUs = Number(message.UserProperties, "t_us"),
            AgeUs = Unsigned(message.UserProperties, "age_us"),
            ReceivedAt = Elapsed,
            QueuedAcrossGap = waited,
        });
    }

    private void OnClaimMessage(MqttConnection connection, MqttApplicationMessage message)
    {
        if (!Topics.TryParse(message.Topic, out WireTopicKind kind, out _) || kind is not (WireTopicKind.Claim or WireTopicKind.Status)
            || message.Payload.Length > WireLimits.CommandBytes)
        {
            Interlocked.Increment(ref ignored);
            return;
        }

        try
        {
            WireEncoding encoding = WireContent.EncodingOf(message.ContentType);
            byte[] payload = message.Payload.ToArray();
            if (kind == WireTopicKind.Status)
            {
                OnStatus(payload.Length == 0 ? null : WireTables.Status.Decode(payload, encoding));
            }
            else
            {
                OnClaim(connection, WireTables.Claim.Decode(payload, encoding));
            }
        }
        catch (WireException)
        {
            // Somebody's noise; the rule stands on what can be read.
            Interlocked.Increment(ref ignored);
        }
    }

    private void OnStatus(StatusMessage? status)
    {
        if (status is not null)
        {
            claim.OnStatus(status);
        }

        // While we hold the name the retained status is ours: somebody overwrote it, or a late will did.
        if (current is { } connection && (status?.State != StatusMessage.Online || status.Instance != Instance)
            && clock.GetElapsedTime(Interlocked.Read(ref statusHealedAt)) > RepeatAfter)
        {
            Interlocked.Exchange(ref statusHealedAt, clock.GetTimestamp());
            _ = connection.PublishAsync(Packet(Status(StatusMessage.Online)), CancellationToken.None);
        }
    }

    private void OnClaim(MqttConnection connection, ClaimMessage message)
    {
        if (message.Kind == ClaimMessage.Barrier)
        {
            if (message.Instance == Instance)
            {
                gap.Passed(message.Number);
            }

            return;
        }

        bool held = claim.Holding;
        if (claim.OnClaim(message) is { } answer)
        {
            _ = connection.PublishAsync(Packet(Claim(answer)), CancellationToken.None);
            if (held)
            {
                NameContended?.Invoke(message.Instance);
            }
        }
        else if (held && !claim.Holding)
        {
            connection.GiveUp($"robot {options.Robot} is held by daemon {message.Instance}");
        }
    }

    private void Beat()
    {
        if (gap.Beat() is { } silence)
        {
            NoteGap(silence);
        }
        else if (gap.Open && clock.GetElapsedTime(Interlocked.Read(ref barrierSentAt)) > RepeatAfter)
        {
            SendBarrier();
        }
    }

    private void NoteGap(TimeSpan silence)
    {
        SendBarrier();
        GapFound?.Invoke(silence);
    }

    private void SendBarrier()
    {
        Interlocked.Exchange(ref barrierSentAt, clock.GetTimestamp());
        if (current is { } connection)
        {
            _ = connection.PublishAsync(Packet(Claim(new(ClaimMessage.Barrier, Instance, gap.Barrier))), CancellationToken.None);
        }
    }
}
