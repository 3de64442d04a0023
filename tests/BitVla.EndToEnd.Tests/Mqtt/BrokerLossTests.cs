using System.Net;
using System.Net.Sockets;
using BitVla.TestKit;

namespace BitVla.EndToEnd.Tests.Mqtt;

// Goal: nothing that a broker or a second daemon does ends the daemon. Method: take the broker away, let it be silent, start a rival.
[Collection(DaemonModels.Name)]
public sealed class BrokerLossTests(DaemonModels models)
{
    private const int Kills = 20;

    [Fact]
    public async Task Daemon_BrokerKilledTwentyTimes_AnnouncesAndAnswersEachTime()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker.Port);
        long sequence = 0;
        string? instance = null;
        var back = new List<double>();
        int line = daemon.Log.Count;
        for (uint kill = 1; kill <= Kills; kill++)
        {
            await broker.KillAsync();
            line = (await daemon.LineAsync("LINK Connecting", line)).Next;
            await broker.StartAgainAsync();
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            await using var robot = await RobotClient.ConnectAsync(broker.Port);
            Heard status = await robot.NextAsync("status");
            back.Add(System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds);
            Assert.Equal("online", status.Text("state"));
            instance ??= status.Text("instance");
            Assert.Equal(instance, status.Text("instance"));
            Assert.Equal(instance, (await robot.NextAsync("birth")).Text("instance"));
            await robot.NextAsync("state");
            Heard chunk = await robot.ChunkOfAsync(kill);
            Assert.Equal(++sequence, chunk.Number("seq"));
            Assert.Equal(1, chunk.Number("session"));
            Assert.False(daemon.HasExited);
        }

        Assert.Equal(0, (await daemon.TerminateAsync()).Code);
        Console.WriteLine($"measured: daemon back after a broker's restart in {back.Order().ElementAt(Kills / 2):F2} s (median of {Kills}), {back.Max():F2} s at most");
    }

    [Fact]
    public async Task Daemon_MuteBroker_KeepsTryingAndEndsWhenTold()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var held = new List<TcpClient>();
        await using var daemon = RunningDaemon.Start(models.Open, ((IPEndPoint)mute.LocalEndpoint).Port);
        try
        {
            for (int i = 0; i < 3; i++)
            {
                held.Add(await mute.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Journal<string>.Patience, TestContext.Current.CancellationToken));
                Assert.False(daemon.HasExited);
            }

            var (code, took) = await daemon.TerminateAsync();
            Assert.Equal(0, code);
            Assert.InRange(took.TotalSeconds, 0, 2.5);
        }
        finally
        {
            held.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task SecondDaemon_OnOneRobotId_IsRefusedAndTheFirstUnaffected()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var first = await RunningDaemon.StartReadyAsync(models.Open, broker.Port);
        await using var robot = await RobotClient.ConnectAsync(broker.Port);
        string instance = (await robot.NextAsync("status")).Text("instance");
        await robot.ChunkOfAsync(1);
        int place = robot.Heard.Count;
        await using (var second = RunningDaemon.Start(models.Closed, broker.Port))
        {
            Assert.Contains(instance, (await second.LineAsync("LINK NameTaken")).Entry, StringComparison.Ordinal);
            await robot.EventAsync("LINK.NAME_CONTENDED", place);

            // It asks again and again; still the first one's chunk comes, and once.
            int tries = second.Log.Count;
            await second.LineAsync("LINK NameTaken", tries);
            Assert.Equal(2, (await robot.ChunkOfAsync(2)).Number("seq"));
            Assert.Equal(0, (await second.TerminateAsync()).Code);
        }

        Assert.Equal(3, (await robot.ChunkOfAsync(3)).Number("seq"));
        var since = robot.Heard.From(place);
        Assert.Equal(2, since.Count(heard => heard.Topic == "action/chunk"));
        Assert.DoesNotContain(since, heard => heard.Topic == "birth");
        Assert.All(since.Where(heard => heard.Topic == "status"), heard => Assert.Equal((instance, "online"), (heard.Text("instance"), heard.Text("state"))));
    }

    [Fact]
    public async Task SecondDaemon_OnOneEmbeddedPort_ExitsTwoAndNamesTheSetting()
    {
        await using var first = await RunningDaemon.StartReadyAsync(models.Open);
        await using var second = RunningDaemon.StartOnPort(models.Open, first.Port);
        Assert.Equal(2, await second.ExitAsync());
        await second.LineAsync("mqtt.embedded_port");
        await using var robot = await RobotClient.ConnectAsync(first.Port);
        await robot.ChunkOfAsync(1);
    }

    [Fact]
    public async Task Daemon_Killed_IsCalledOfflineByItsWill()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var robot = await RobotClient.ConnectAsync(broker.Port);
        await using (var daemon = await RunningDaemon.StartReadyAsync(models.Open, broker.Port))
        {
            daemon.Signal("KILL");
            await daemon.ExitAsync();
        }

        Heard offline = await robot.NextAsync("status", fits: heard => heard.Text("state") == "offline");
        Heard online = await robot.NextAsync("status", fits: heard => heard.Text("state") == "online");
        Assert.Equal(online.Text("instance"), offline.Text("instance"));
        Assert.Equal(online.Number("session"), offline.Number("session"));
    }
}
