using System.Net;
using System.Net.Sockets;

namespace BitVla.TestKit;

/// <summary>Finds a TCP port nobody uses.</summary>
public static class FreePort
{
    /// <summary>A port on loopback that was free a moment ago.</summary>
    public static int Next()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
