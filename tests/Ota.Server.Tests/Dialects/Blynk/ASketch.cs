using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Dialects.Blynk;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>A client of Blynk's protocol played byte by byte, with nothing of the server's own code.</summary>
internal sealed class ASketch : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly TcpClient _client = new();

    /// <summary>What it reads from and writes to; a test may put TLS in between.</summary>
    public Stream Stream { get; set; } = Stream.Null;

    public static async Task<ASketch> ConnectAsync(RunningServer server, IPEndPoint? address = null)
    {
        var sketch = new ASketch();
        await sketch._client.ConnectAsync(address ?? server.App.Services.GetRequiredService<BlynkListener>().Address!);
        sketch.Stream = sketch._client.GetStream();
        return sketch;
    }

    /// <summary>Connected and logged in, as the C++ library does it.</summary>
    public static async Task<ASketch> LoggedInAsync(RunningServer server, string token)
    {
        var sketch = await ConnectAsync(server);
        await sketch.SendAsync(29, 1, token);
        Assert.Equal("00000100c8", await sketch.ReadHexAsync(5));
        return sketch;
    }

    /// <summary>The Blynk token of a device.</summary>
    public static async Task<string> TokenAsync(RunningServer server, string device)
    {
        using var answer = await server.Admin.PostAsJsonAsync($"api/v1/devices/{device}/pin-token/blynk", new { });
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
    }

    public Task SendAsync(byte type, ushort id, string body) => SendAsync(Frame(type, id, body));

    public Task SendAsync(byte[] bytes) => Stream.WriteAsync(bytes).AsTask();

    public Task SendHexAsync(string hex) => SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

    public static byte[] Frame(byte type, ushort id, string body)
    {
        var text = Encoding.UTF8.GetBytes(body);
        var frame = new byte[5 + text.Length];
        frame[0] = type;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), id);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)text.Length);
        text.CopyTo(frame, 5);
        return frame;
    }

    public async Task<string> ReadHexAsync(int bytes) => Convert.ToHexStringLower(await ReadAsync(bytes));

    /// <summary>The next frame: its type, its id, and its body, or its status as text.</summary>
    public async Task<(int Type, int Id, string Body)> NextAsync()
    {
        var header = await ReadAsync(5);
        var (id, length) = (BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(1)), BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(3)));
        return header[0] == 0 ? (0, id, $"{length}") : (header[0], id, Encoding.UTF8.GetString(await ReadAsync(length)));
    }

    /// <summary>What the next write to a pin says, skipping nothing.</summary>
    public async Task<string> WrittenAsync()
    {
        var (type, id, body) = await NextAsync();
        Assert.Equal(20, type);
        Assert.NotEqual(0, id);
        return body.Replace('\0', '|');
    }

    /// <summary>Asks and is answered; whatever was sent before has been dealt with then.</summary>
    public async Task PingAsync(ushort id = 77)
    {
        await SendAsync(6, id, "");
        Assert.Equal((0, id, "200"), await NextAsync());
    }

    /// <summary>Sends nothing more, and says so.</summary>
    public void EndSending() => _client.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Reads to the end, which must come by a farewell and not by a reset.</summary>
    public async Task<byte[]> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        using var rest = new MemoryStream();
        await Stream.CopyToAsync(rest, patience.Token);
        return rest.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        _client.Dispose();
    }

    private async Task<byte[]> ReadAsync(int bytes)
    {
        using var patience = new CancellationTokenSource(Patience);
        var read = new byte[bytes];
        await Stream.ReadExactlyAsync(read, patience.Token);
        return read;
    }
}
