using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Ota.Benchmarks;

/// <summary>A device that speaks Blynk's binary protocol: logs in, and then waits for what is written to its pins.</summary>
internal sealed class BlynkClient : IDisposable
{
    private const byte Login = 29;
    private const byte Internal = 17;
    private const byte Hardware = 20;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <param name="token">Its Blynk token.</param>
    public static async Task<BlynkClient> ConnectAsync(int port, string token)
    {
        var client = new BlynkClient();
        await client._socket.ConnectAsync(IPAddress.Loopback, port);
        await client.AnsweredAsync(Login, 1, token);
        await client.AnsweredAsync(Internal, 2, "ver\01.3.2\0h-beat\0600\0buff-in\01024\0dev\0bench\0");
        return client;
    }

    /// <summary>The value of the next write to a pin.</summary>
    public async Task<string> NextAsync()
    {
        var (command, length) = await HeaderAsync();
        if (command != Hardware)
            throw new InvalidOperationException($"Command {command} came instead of a write.");
        var body = new byte[length];
        await ReadAsync(body);
        return Encoding.UTF8.GetString(body).Split('\0')[2];
    }

    public void Dispose() => _socket.Dispose();

    private async Task AnsweredAsync(byte command, ushort id, string body)
    {
        var frame = new byte[5 + Encoding.UTF8.GetByteCount(body)];
        frame[0] = command;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), id);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)(frame.Length - 5));
        Encoding.UTF8.GetBytes(body, frame.AsSpan(5));
        await _socket.SendAsync(frame);
        if (await HeaderAsync() is not (0, 200))
            throw new InvalidOperationException($"Command {command} was refused.");
    }

    /// <summary>Command, and length or status.</summary>
    private async Task<(byte Command, ushort Length)> HeaderAsync()
    {
        var header = new byte[5];
        await ReadAsync(header);
        return (header[0], BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3)));
    }

    private async Task ReadAsync(byte[] bytes)
    {
        for (int read = 0, more; read < bytes.Length; read += more)
        {
            if ((more = await _socket.ReceiveAsync(bytes.AsMemory(read))) == 0)
                throw new InvalidOperationException("The server closed the connection.");
        }
    }
}
