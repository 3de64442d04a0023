using BitVla.TestKit;
using BitVla.Transport.Mqtt;

namespace BitVla.Transport.Tests.Mqtt;

/// <summary>Either broker, so that a test meets both.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private readonly EmbeddedBroker? embedded;
    private readonly MosquittoBroker? mosquitto;

    private TestBroker(EmbeddedBroker? embedded, MosquittoBroker? mosquitto) => (this.embedded, this.mosquitto) = (embedded, mosquitto);

    public static TheoryData<string> Kinds => ["embedded", "mosquitto"];

    public int Port => embedded?.Port ?? mosquitto!.Port;

    public static async Task<TestBroker> StartAsync(string kind)
    {
        if (kind == "mosquitto")
        {
            return new(null, await MosquittoBroker.StartAsync());
        }

        var broker = new EmbeddedBroker(0, TimeProvider.System);
        await broker.StartAsync();
        return new(broker, null);
    }

    public Task KillAsync() => embedded?.StopAsync() ?? mosquitto!.KillAsync();

    public Task StartAgainAsync() => embedded?.StartAsync() ?? mosquitto!.StartAgainAsync();

    public ValueTask DisposeAsync() => embedded?.DisposeAsync() ?? mosquitto!.DisposeAsync();
}
