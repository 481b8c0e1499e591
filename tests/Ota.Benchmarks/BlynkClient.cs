using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Benchmarks;

/// <summary>A device that speaks Blynk's binary protocol: logs in, and then waits for what is written to its pins.</summary>
internal sealed class BlynkClient : IDisposable
{
    private const byte Login = 29;
    private const byte Internal = 17;
    private const byte Hardware = 20;
    private readonly Stream _stream;

    private BlynkClient(Stream stream) => _stream = stream;

    /// <param name="token">Its Blynk token.</param>
    public static async Task<BlynkClient> ConnectAsync(int port, string token) => await LogInAsync(await DialAsync(port), token);

    /// <summary>The same with TLS.</summary>
    /// <param name="certificate">SHA-256 of the server's, hex.</param>
    public static async Task<BlynkClient> ConnectSecurelyAsync(int port, string token, string certificate)
    {
        var stream = new SslStream(
            await DialAsync(port), leaveInnerStreamOpen: false, (_, shown, _, _) => shown?.GetCertHashString(HashAlgorithmName.SHA256) == certificate);
        await stream.AuthenticateAsClientAsync("localhost");
        return await LogInAsync(stream, token);
    }

    /// <summary>The value of the next write to a pin.</summary>
    public async Task<string> NextAsync()
    {
        var (command, length) = await HeaderAsync();
        if (command != Hardware)
            throw new InvalidOperationException($"Command {command} came instead of a write.");
        var body = new byte[length];
        await _stream.ReadExactlyAsync(body);
        return Encoding.UTF8.GetString(body).Split('\0')[2];
    }

    public void Dispose() => _stream.Dispose();

    private static async Task<NetworkStream> DialAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task<BlynkClient> LogInAsync(Stream stream, string token)
    {
        var client = new BlynkClient(stream);
        await client.AnsweredAsync(Login, 1, token);
        await client.AnsweredAsync(Internal, 2, "ver\01.3.2\0h-beat\0600\0buff-in\01024\0dev\0bench\0");
        return client;
    }

    private async Task AnsweredAsync(byte command, ushort id, string body)
    {
        var frame = new byte[5 + Encoding.UTF8.GetByteCount(body)];
        frame[0] = command;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), id);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)(frame.Length - 5));
        Encoding.UTF8.GetBytes(body, frame.AsSpan(5));
        await _stream.WriteAsync(frame);
        if (await HeaderAsync() is not (0, 200))
            throw new InvalidOperationException($"Command {command} was refused.");
    }

    /// <summary>Command, and length or status.</summary>
    private async Task<(byte Command, ushort Length)> HeaderAsync()
    {
        var header = new byte[5];
        await _stream.ReadExactlyAsync(header);
        return (header[0], BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3)));
    }
}
