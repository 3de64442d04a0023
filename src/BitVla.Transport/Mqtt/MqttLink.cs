using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BitVla.Transport.Wire;
using MQTTnet;
using MQTTnet.Protocol;

namespace BitVla.Transport.Mqtt;

/// <summary>The daemon's connection: keeps itself alive, holds the robot's name, delivers what arrives.</summary>
/// <remarks>
/// Each round: ask for the robot's name on a connection without a will, then connect with the will, subscribe, say
/// <c>online</c> and let the daemon announce the rest; when the connection ends, wait a little and begin again. So a daemon that is
/// refused never had a will that could declare the holder dead.
/// </remarks>
public sealed partial class MqttLink : IAsyncDisposable
{
    private static readonly TimeSpan ClaimLook = TimeSpan.FromMilliseconds(20);

    private readonly MqttLinkOptions options;
    private readonly TimeProvider clock;
    private readonly long startedAt;
    private readonly X509Certificate2Collection? authorities;
    private readonly RobotClaim claim;
    private readonly LoopGap gap;
    private readonly string clientId;
    private readonly CancellationTokenSource ending = new();
    private readonly Lock stateGate = new();

    private Task loop = Task.CompletedTask;
    private ITimer? heartbeat;
    private volatile MqttConnection? current;
    private MqttLinkState state = MqttLinkState.Stopped;
    private string reason = "not started";
    private long connects;
    private long failures;
    private long published;
    private long dropped;
    private int disposed;

    /// <summary>Creates a link; nothing happens before <see cref="Start"/>.</summary>
    /// <exception cref="ArgumentException">Robot or prefix are not what a topic takes.</exception>
    /// <exception cref="InvalidDataException">The authority's file holds no certificate.</exception>
    public MqttLink(MqttLinkOptions options, TimeProvider clock)
    {
        this.options = options;
        this.clock = clock;
        startedAt = clock.GetTimestamp();
        Topics = new WireTopics(options.Robot, options.Prefix);
        Instance = new Ulid(clock).Next();
        clientId = $"bitvla-{options.Robot}-{Instance[^10..]}";
        authorities = options.UseTls && options.CaPath is { } path ? ReadAuthorities(path) : null;
        claim = new RobotClaim(Instance, options.ClaimWindow, clock);
        gap = new LoopGap(clock);
    }

    /// <summary>Topics of this robot.</summary>
    public WireTopics Topics { get; }

    /// <summary>Random name of this run; in status, birth and claim.</summary>
    public string Instance { get; }

    /// <summary>Monotonic time since the link was made; the clock of <see cref="InboundMessage.ReceivedAt"/>.</summary>
    public TimeSpan Elapsed => clock.GetElapsedTime(startedAt);

    /// <summary>Where the link stands.</summary>
    public MqttLinkState State
    {
        get
        {
            lock (stateGate)
            {
                return state;
            }
        }
    }

    /// <summary>Why it is not connected, in words; empty when it is.</summary>
    public string Reason
    {
        get
        {
            lock (stateGate)
            {
                return reason;
            }
        }
    }

    /// <summary>What it did so far.</summary>
    public MqttLinkCounters Counters => new(
        Interlocked.Read(ref connects), Interlocked.Read(ref failures), Interlocked.Read(ref published), Interlocked.Read(ref dropped),
        Interlocked.Read(ref received), Interlocked.Read(ref ignored), gap.Count);

    /// <summary>Completes when the link has ended; fails when a callback of the daemon's threw.</summary>
    public Task Completion => loop;

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
    public void Start()
    {
        gap.Reset();
        heartbeat = clock.CreateTimer(_ => Beat(), null, LoopGap.Period, LoopGap.Period);
        loop = Task.Run(() => RunAsync(ending.Token));
    }

    /// <summary>Publishes; never throws for what the network does.</summary>
    /// <returns>False when it was dropped: no connection, no answer in time, or the broker refused it.</returns>
    public async Task<bool> PublishAsync(OutboundMessage message, CancellationToken cancellation = default)
    {
        bool sent = current is { } connection && await connection.PublishAsync(Packet(message), cancellation).ConfigureAwait(false);
        Interlocked.Increment(ref sent ? ref published : ref dropped);
        return sent;
    }

    /// <summary>Publishes <c>stopped</c>, disconnects so that the will stays unsaid, and ends.</summary>
    public async Task StopAsync(CancellationToken cancellation = default)
    {
        if (current is { } connection)
        {
            await connection.PublishAsync(Packet(Status(StatusMessage.Stopped)), cancellation).ConfigureAwait(false);
            await connection.DisconnectAsync().ConfigureAwait(false);
        }

        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>Ends without a word: the broker publishes the will. Use <see cref="StopAsync"/> first for a clean end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            await EndAsync().ConfigureAwait(false);
            ending.Dispose();
        }
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPemFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidDataException($"{path}: expected PEM certificates, found {e.Message}", e);
        }

        return found.Count > 0 ? found : throw new InvalidDataException($"{path}: expected PEM certificates, found none");
    }

    private static MqttApplicationMessage Packet(OutboundMessage message)
    {
        var packet = new MqttApplicationMessage
        {
            Topic = message.Topic,
            Payload = new(message.Payload),
            ContentType = message.ContentType,
            QualityOfServiceLevel = message.Qos == 0 ? MqttQualityOfServiceLevel.AtMostOnce : MqttQualityOfServiceLevel.AtLeastOnce,
            Retain = message.Retain,
        };
        if (message.Expiry is { } left)
        {
            packet.MessageExpiryInterval = (uint)Math.Clamp(Math.Ceiling(left.TotalSeconds), 1, uint.MaxValue);
        }

        if (!message.CorrelationData.IsEmpty)
        {
            packet.CorrelationData = message.CorrelationData.ToArray();
        }

        return packet;
    }

    private async Task EndAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        if (heartbeat is not null)
        {
            await heartbeat.DisposeAsync().ConfigureAwait(false);
        }

        await loop.ConfigureAwait(false);
        Become(MqttLinkState.Stopped, "ended");
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        int tries = 0;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                long before = Interlocked.Read(ref connects);
                await RoundAsync(cancellation).ConfigureAwait(false);
                tries = Interlocked.Read(ref connects) > before ? 0 : tries + 1;
                await Task.Delay(Pause(tries), clock, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
        }
    }

    // Grows from the least to the longest; half of it is chance, so that a hundred robots do not return as one.
    private TimeSpan Pause(int tries)
    {
        TimeSpan full = options.ReconnectMin * (1 << Math.Min(tries, 10));
        full = full < options.ReconnectMax ? full : options.ReconnectMax;
        return full * (0.5 + (Random.Shared.NextDouble() / 2));
    }

    private async Task RoundAsync(CancellationToken cancellation)
    {
        Become(MqttLinkState.Connecting, State == MqttLinkState.Stopped ? "starting" : Reason);
        await using MqttConnection asker = new(options, clientId + "-claim", authorities, null, null);
        asker.Received = message => OnClaimMessage(asker, message);
        if (!await OpenAsync(asker, cancellation, AskerFilters()).ConfigureAwait(false)
            || !await ClaimAsync(asker, cancellation).ConfigureAwait(false))
        {
            await asker.DisconnectAsync().ConfigureAwait(false);
            return;
        }

        byte[] will = WireTables.Status.Encode(StatusNow(StatusMessage.Offline), options.Encoding);
        await using MqttConnection connection = new(options, clientId, authorities, Topics.Status, will);
        connection.Received = message => OnMessage(connection, message);
        if (!await OpenAsync(connection, cancellation, Filters()).ConfigureAwait(false))
        {
            await connection.DisconnectAsync().ConfigureAwait(false);
            return;
        }

        await asker.DisconnectAsync().ConfigureAwait(false);
        await ServeAsync(connection, cancellation).ConfigureAwait(false);
    }

    private async Task<bool> OpenAsync(MqttConnection connection, CancellationToken cancellation, params MQTTnet.Packets.MqttTopicFilter[] filters)
    {
        if (await connection.ConnectAsync(cancellation).ConfigureAwait(false) is { } failure)
        {
            Fail(failure.Refused ? MqttLinkState.Refused : MqttLinkState.Connecting, failure.Reason);
            return false;
        }

        // What waits in a connection that begins now was sent now.
        gap.Reset();
        if (await connection.SubscribeAsync(cancellation, filters).ConfigureAwait(false) is { } refusal)
        {
            Fail(MqttLinkState.Refused, refusal);
            return false;
        }

        return true;
    }

    private async Task<bool> ClaimAsync(MqttConnection asker, CancellationToken cancellation)
    {
        Become(MqttLinkState.Claiming, "asking for the robot's name");
        if (!await asker.PublishAsync(Packet(Claim(claim.Begin())), cancellation).ConfigureAwait(false))
        {
            Fail(MqttLinkState.Refused, $"{Topics.Claim}: the broker did not take the question");
            return false;
        }

        ClaimVerdict verdict;
        while ((verdict = claim.Decide()) == ClaimVerdict.Wait && !asker.Ended.IsCompleted)
        {
            await Task.Delay(ClaimLook, clock, cancellation).ConfigureAwait(false);
        }

        if (verdict == ClaimVerdict.Wait)
        {
            Fail(MqttLinkState.Connecting, await asker.Ended.ConfigureAwait(false));
        }
        else if (verdict == ClaimVerdict.Taken)
        {
            Fail(MqttLinkState.NameTaken, $"robot {options.Robot} is held by daemon {claim.Winner}");
        }

        return verdict == ClaimVerdict.Free;
    }

    private async Task ServeAsync(MqttConnection connection, CancellationToken cancellation)
    {
        using var alive = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (!await connection.PublishAsync(Packet(Status(StatusMessage.Online)), cancellation).ConfigureAwait(false))
        {
            Fail(MqttLinkState.Refused, $"{Topics.Status}: the broker did not take it");
            return;
        }

        current = connection;
        Interlocked.Increment(ref connects);
        Become(MqttLinkState.Connected, "");
        try
        {
            Task announcing = Connected?.Invoke(alive.Token) ?? Task.CompletedTask;
            string why = await connection.Ended.WaitAsync(cancellation).ConfigureAwait(false);
            Become(MqttLinkState.Connecting, why);
            await alive.CancelAsync().ConfigureAwait(false);
            await AnnouncedAsync(announcing).ConfigureAwait(false);
            if (!claim.Holding)
            {
                // The name went to another daemon: our will must not call it dead.
                await connection.DisconnectAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            current = null;
        }
    }

    private static async Task AnnouncedAsync(Task announcing)
    {
        try
        {
            await announcing.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The connection ended first; the next one announces anew.
        }
    }

    private void Fail(MqttLinkState to, string why)
    {
        Interlocked.Increment(ref failures);
        Become(to, why);
    }

    private void Become(MqttLinkState to, string why)
    {
        lock (stateGate)
        {
            if (state == to && reason == why)
            {
                return;
            }

            (state, reason) = (to, why);
        }

        StateChanged?.Invoke(to, why);
    }

    private StatusMessage StatusNow(string word) => new(word, options.Session, Instance, clock.GetUtcNow().ToUnixTimeMilliseconds() * 1000);

    private OutboundMessage Status(string word) =>
        new(Topics.Status, WireTables.Status.Encode(StatusNow(word), options.Encoding), WireContent.Of(options.Encoding)) { Qos = 1, Retain = true };

    private OutboundMessage Claim(ClaimMessage message) =>
        new(Topics.Claim, WireTables.Claim.Encode(message, WireEncoding.Json), WireContent.Json) { Qos = 1, Expiry = TimeSpan.FromSeconds(1) };
}
