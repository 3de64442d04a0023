using System.Net;
using System.Net.Sockets;

namespace BitVla.TestKit;

/// <summary>A TCP line to a loopback port that a test can cut, as a pulled cable and a dead router do.</summary>
public sealed class CuttableProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly List<TcpClient> ends = [];
    private readonly int target;
    private readonly Task accepting;

    /// <summary>Opens a line.</summary>
    public CuttableProxy(int target)
    {
        this.target = target;
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    /// <summary>Port on this side.</summary>
    public int Port { get; }

    /// <summary>Refuse those who come.</summary>
    public bool Closed { get; set; }

    /// <summary>Cuts every connection at once, with a reset.</summary>
    public void Cut()
    {
        lock (ends)
        {
            foreach (TcpClient end in ends)
            {
                end.LingerState = new LingerOption(true, 0);
                end.Dispose();
            }

            ends.Clear();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        Cut();
        await accepting;
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient near = await listener.AcceptTcpClientAsync(ending.Token);
                if (Closed)
                {
                    near.Dispose();
                    continue;
                }

                _ = JoinAsync(near);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task JoinAsync(TcpClient near)
    {
        var far = new TcpClient { NoDelay = true };
        near.NoDelay = true;
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, target);
            lock (ends)
            {
                ends.AddRange([near, far]);
            }

            await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream()), far.GetStream().CopyToAsync(near.GetStream()));
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
        }

        lock (ends)
        {
            ends.RemoveAll(end => end == near || end == far);
            near.Dispose();
            far.Dispose();
        }
    }
}
