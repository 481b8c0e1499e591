using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Ota.Esp32;

/// <summary>
/// Gives the phones on the access point an address (RFC 2131, as little of it as they need): one of ten, for an hour,
/// with the device as router and name server, so that what they open leads to the setup page.
/// </summary>
internal sealed class DhcpServer
{
    private const int Discover = 1;
    private const int Offer = 2;
    private const int Request = 3;
    private const int Acknowledge = 5;
    private const int OptionsStart = 240;

    private static readonly byte[] Self = { 192, 168, 4, 1 };

    private readonly byte[] _clients = new byte[10 * 6];
    private readonly byte[] _packet = new byte[576];
    private Socket _socket;
    private int _next;

    public void Start()
    {
        if (_socket != null)
            return;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Broadcast, true);
        _socket.Bind(new IPEndPoint(IPAddress.Parse(AccessPoint.Address), 67));
        new Thread(Serve).Start();
    }

    public void Stop()
    {
        var socket = _socket;
        _socket = null;
        if (socket != null)
            socket.Close();
    }

    /// <summary>
    /// Turns a request of this length into the answer, in place; the answer's length, or 0 for none.
    /// </summary>
    public int Answer(byte[] packet, int length)
    {
        var type = length > OptionsStart && packet[0] == 1 ? MessageType(packet, length) : 0;
        if (type != Discover && type != Request)
            return 0;
        var host = HostFor(packet);
        packet[0] = 2;
        Array.Clear(packet, 16, 12);
        Array.Copy(Self, 0, packet, 16, 3);
        packet[19] = host;
        Array.Copy(Self, 0, packet, 20, 4);
        Array.Clear(packet, 44, 192);
        var at = OptionsStart;
        at = Put(packet, at, 53, new[] { (byte)(type == Discover ? Offer : Acknowledge) });
        at = Put(packet, at, 54, Self);
        at = Put(packet, at, 51, new byte[] { 0, 0, 0x0e, 0x10 });
        at = Put(packet, at, 1, new byte[] { 255, 255, 255, 0 });
        at = Put(packet, at, 3, Self);
        at = Put(packet, at, 6, Self);
        packet[at++] = 255;
        return at;
    }

    private static int Put(byte[] packet, int at, byte option, byte[] value)
    {
        packet[at] = option;
        packet[at + 1] = (byte)value.Length;
        Array.Copy(value, 0, packet, at + 2, value.Length);
        return at + 2 + value.Length;
    }

    private static int MessageType(byte[] packet, int length)
    {
        for (var at = OptionsStart; at + 2 < length && packet[at] != 255;)
        {
            if (packet[at] == 0)
            {
                at++;
                continue;
            }

            if (packet[at] == 53)
                return packet[at + 2];
            at += 2 + packet[at + 1];
        }

        return 0;
    }

    private byte HostFor(byte[] packet)
    {
        for (var i = 0; i < 10; i++)
        {
            var same = true;
            for (var j = 0; j < 6; j++)
                same = same && _clients[i * 6 + j] == packet[28 + j];
            if (same)
                return (byte)(10 + i);
        }

        var client = _next;
        _next = (_next + 1) % 10;
        Array.Copy(packet, 28, _clients, client * 6, 6);
        return (byte)(10 + client);
    }

    private void Serve()
    {
        var everyone = new IPEndPoint(IPAddress.Parse("255.255.255.255"), 68);
        while (_socket != null)
        {
            try
            {
                EndPoint from = new IPEndPoint(IPAddress.Any, 0);
                var length = Answer(_packet, _socket.ReceiveFrom(_packet, ref from));
                if (length > 0)
                    _socket.SendTo(_packet, length, SocketFlags.None, everyone);
            }
            catch (SocketException)
            {
                // Stopped, or the phone left.
                Thread.Sleep(100);
            }
        }
    }
}
