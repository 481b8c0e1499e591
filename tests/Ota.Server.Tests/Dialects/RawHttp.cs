using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>An answer as it came over the wire.</summary>
internal sealed record RawAnswer(string StatusLine, ILookup<string, string> Headers, byte[] Body)
{
    public int Status => int.Parse(StatusLine.Split(' ')[1], CultureInfo.InvariantCulture);

    public string? Header(string name) => Headers[name].SingleOrDefault();

    /// <summary>True when as many bytes came as were announced.</summary>
    public bool IsWhole => Header("Content-Length") is { } length && Body.Length == int.Parse(length, CultureInfo.InvariantCulture);
}

/// <summary>Bytes over a socket, exactly as a test says.</summary>
internal static class RawHttp
{
    public static async Task<Socket> ConnectAsync(RunningServer server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Anyone.BaseAddress!.Host, server.Anyone.BaseAddress.Port);
        return socket;
    }

    /// <summary>Sends a request and reads until the server closes; the request asks it to.</summary>
    public static async Task<RawAnswer> SendAsync(RunningServer server, string request)
    {
        using var socket = await ConnectAsync(server);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        return Parse(await ReadAsync(socket));
    }

    /// <summary>What comes until the other side closes or resets.</summary>
    public static async Task<byte[]> ReadAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await socket.ReceiveAsync(buffer, patience.Token)) > 0;)
                all.Write(buffer, 0, read);
        }
        catch (SocketException)
        {
            // Cut: what came is what counts.
        }

        return all.ToArray();
    }

    public static RawAnswer Parse(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, "No answer: " + Encoding.Latin1.GetString(bytes));
        var lines = Encoding.Latin1.GetString(bytes, 0, end).Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(':', 2))
            .ToLookup(pair => pair[0], pair => pair[1].Trim(), StringComparer.OrdinalIgnoreCase);
        return new RawAnswer(lines[0], headers, bytes[(end + 4)..]);
    }
}
