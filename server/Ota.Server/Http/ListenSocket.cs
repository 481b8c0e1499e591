using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Ota.Server.Http;

/// <summary>
/// Sockets to listen on whose connections do not let more than a little wait in the system. Else it takes an image of half a megabyte at once, for a
/// device that reads a few kilobytes and loses its Wi-Fi; its last byte counted as gone out, and three such downloads as an image that did not stay.
/// </summary>
internal static class ListenSocket
{
    // linux/tcp.h; a connection inherits it from the socket that accepted it.
    private const int Tcp = 6;
    private const int NotSentLowWater = 25;
    private const int MostWaiting = 16 * 1024;

    public static Socket Bound(EndPoint endpoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (OperatingSystem.IsLinux() && socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
            socket.SetRawSocketOption(Tcp, NotSentLowWater, BitConverter.GetBytes(MostWaiting));
        return socket;
    }
}
