using System.Net;
using System.Net.NetworkInformation;
using System.Text;
using BitVla.TestKit;
using BitVla.Transport.Mqtt;
using MQTTnet;

namespace BitVla.Transport.Tests.Mqtt;

public sealed class EmbeddedBrokerTests
{
    private readonly ScriptedClock clock = new();

    [Fact]
    public async Task Session_AwayWhileMessagesGrowOld_GetsOnlyWhatIsNotOverdue()
    {
        await using EmbeddedBroker broker = await StartAsync();
        await using (TestClient away = await TestClient.ConnectAsync(broker.Port, "keeps-a-session"))
        {
            await away.SubscribeAsync("cmd/#");
            await away.DisconnectAsync();
        }

        await using TestClient sender = await TestClient.ConnectAsync(broker.Port);
        await sender.PublishAsync("cmd/short", "1"u8.ToArray(), expirySeconds: 1);
        await sender.PublishAsync("cmd/long", "2"u8.ToArray(), expirySeconds: 60);
        await sender.PublishAsync("cmd/forever", "3"u8.ToArray());
        clock.Advance(TimeSpan.FromSeconds(2.5));

        await using TestClient back = await TestClient.ConnectAsync(broker.Port, "keeps-a-session");
        MqttApplicationMessage first = await back.NextAsync();
        MqttApplicationMessage second = await back.NextAsync();
        Assert.Equal(("cmd/long", 58u), (first.Topic, first.MessageExpiryInterval));
        Assert.Equal(("cmd/forever", 0u), (second.Topic, second.MessageExpiryInterval));
        Assert.Empty(first.UserProperties ?? []);
        Assert.Equal(1, broker.Overdue);
    }

    [Fact]
    public async Task Message_HandedOnAtOnce_IsUnchanged()
    {
        await using EmbeddedBroker broker = await StartAsync();
        await using TestClient listener = await TestClient.ConnectAsync(broker.Port);
        await listener.SubscribeAsync("#");
        await using TestClient sender = await TestClient.ConnectAsync(broker.Port);
        await sender.PublishAsync(
            "a", "x"u8.ToArray(), 0, expirySeconds: 5, responseTopic: "r", correlation: [1, 2], contentType: "text/plain", properties: [("seq", "4"), ("bitvla-due", "forged")]);
        MqttApplicationMessage got = await listener.NextAsync();
        Assert.Equal(("a", "x", 5u, "r", "text/plain"), (got.Topic, Text(got), got.MessageExpiryInterval, got.ResponseTopic, got.ContentType));
        Assert.Equal([1, 2], got.CorrelationData);
        Assert.Equal("seq", Assert.Single(got.UserProperties).Name);
    }

    [Fact]
    public async Task Retained_WithoutExpiry_IsKeptAndMarked_OverdueIsNot()
    {
        await using EmbeddedBroker broker = await StartAsync();
        await using TestClient sender = await TestClient.ConnectAsync(broker.Port);
        await sender.PublishAsync("kept/short", "1"u8.ToArray(), retain: true, expirySeconds: 1);
        await sender.PublishAsync("kept/long", "2"u8.ToArray(), retain: true);
        clock.Advance(TimeSpan.FromSeconds(1));
        await using TestClient late = await TestClient.ConnectAsync(broker.Port);
        await late.SubscribeAsync("kept/#");
        MqttApplicationMessage got = await late.NextAsync();
        Assert.Equal(("kept/long", true), (got.Topic, got.Retain));
        // What comes now came after all that was kept.
        await sender.PublishAsync("kept/now", "3"u8.ToArray());
        Assert.Equal("kept/now", (await late.NextAsync()).Topic);
        Assert.Equal(1, broker.Overdue);
    }

    [Fact]
    public async Task Publish_TooLargeOrOneTopicTooMany_IsRefused()
    {
        await using EmbeddedBroker broker = await StartAsync();
        await using TestClient sender = await TestClient.ConnectAsync(broker.Port);
        Assert.False((await sender.PublishAsync("big", new byte[EmbeddedBroker.MaxPayloadBytes + 1])).IsSuccess);
        Assert.True((await sender.PublishAsync("big", new byte[EmbeddedBroker.MaxPayloadBytes])).IsSuccess);
        for (int i = 0; i < EmbeddedBroker.MaxRetainedTopics; i++)
        {
            await sender.PublishAsync($"kept/{i}", "x"u8.ToArray(), 0, retain: true);
        }

        Assert.False((await sender.PublishAsync("kept/more", "x"u8.ToArray(), retain: true)).IsSuccess);
        Assert.True((await sender.PublishAsync("kept/0", "y"u8.ToArray(), retain: true)).IsSuccess);
        Assert.Equal(2, broker.Refused);
    }

    [Fact]
    public async Task Broker_Listening_IsOnLoopbackOnly()
    {
        await using EmbeddedBroker broker = await StartAsync();
        IPEndPoint[] ends = [.. IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(end => end.Port == broker.Port)];
        Assert.NotEmpty(ends);
        Assert.All(ends, end => Assert.True(IPAddress.IsLoopback(end.Address), $"{end}"));
    }

    [Fact]
    public async Task Broker_StoppedAndStarted_KeepsItsPort()
    {
        await using EmbeddedBroker broker = await StartAsync();
        int port = broker.Port;
        for (int i = 0; i < 3; i++)
        {
            await using TestClient client = await TestClient.ConnectAsync(port);
            await broker.StopAsync();
            await broker.StartAsync();
            Assert.Equal(port, broker.Port);
        }
    }

    [Fact]
    public async Task Broker_OnATakenPort_SaysSo()
    {
        await using EmbeddedBroker broker = await StartAsync();
        await using var second = new EmbeddedBroker(broker.Port, clock);
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(second.StartAsync);
    }

    private static string Text(MqttApplicationMessage message) => Encoding.UTF8.GetString(message.Payload);

    private async Task<EmbeddedBroker> StartAsync()
    {
        var broker = new EmbeddedBroker(0, clock);
        await broker.StartAsync();
        return broker;
    }
}
