using System.Net.Sockets;
using System.Text;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>What no client of hawkBit or Mender sends: floods of headers, bodies without end and bodies that never come. Others are served meanwhile.</summary>
public sealed class HostileReporterTests : IAsyncLifetime
{
    private const string Inventory = "/mender/api/devices/v1/inventory/device/attributes";
    private const string Auth = "/mender/api/devices/v1/authentication/auth_requests";
    private RunningServer _server = null!;
    private AHawkbitClient _hawkbit = null!;
    private AMenderClient _mender = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "artifact one"));
        _hawkbit = await AHawkbitClient.AdoptAsync(_server);
        _mender = await AMenderClient.AdoptAsync(_server, "24:6f:28:aa:3f:41");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_flood_of_headers_is_refused()
    {
        foreach (var flood in new[] { string.Concat(Enumerable.Range(0, 200).Select(i => $"x-{i}: 1\r\n")), $"x-long: {new string('1', 60_000)}\r\n" })
        {
            Assert.Equal(431, (await _hawkbit.GetAsync(_hawkbit.Path, flood)).Status);
            Assert.Equal(431, (await RawHttp.SendAsync(_server, _mender.Head("GET", Inventory) + flood + "\r\n")).Status);
            Assert.Equal(431, (await RawHttp.SendAsync(_server, $"POST {Auth} HTTP/1.1\r\nHost: x\r\n{flood}\r\n")).Status);
        }

        await AreServedAsync();
    }

    [Fact]
    public async Task A_body_without_end_is_cut_off()
    {
        foreach (var head in Heads())
        {
            using var socket = await RawHttp.ConnectAsync(_server);
            await socket.SendAsync(Encoding.ASCII.GetBytes(head + "Transfer-Encoding: chunked\r\n\r\n"));
            var sent = await SendUntilClosedAsync(socket);
            Assert.InRange(sent, 1, 64 * 1024 * 1024);
        }

        await AreServedAsync();
    }

    [Fact]
    public async Task A_body_that_never_comes_is_given_up_and_holds_nobody_up()
    {
        var heads = Heads();
        var waiting = new List<Task<byte[]>>();
        for (var i = 0; i < 30; i++)
        {
            var socket = await RawHttp.ConnectAsync(_server);
            await socket.SendAsync(Encoding.ASCII.GetBytes(heads[i % heads.Length] + "Content-Length: 4000\r\n\r\n{"));
            waiting.Add(ReadAsync(socket));
        }

        await AreServedAsync();
        foreach (var answer in await Task.WhenAll(waiting))
            Assert.True(answer.Length == 0 || RawHttp.Parse(answer).Status == 408, Encoding.ASCII.GetString(answer));
        await AreServedAsync();
    }

    private static async Task<byte[]> ReadAsync(Socket socket)
    {
        using (socket)
            return await RawHttp.ReadAsync(socket);
    }

    // What the other side takes, and the buffers between.
    private static async Task<long> SendUntilClosedAsync(Socket socket)
    {
        var chunk = Encoding.ASCII.GetBytes($"10000\r\n{new string(' ', 0x10000)}\r\n");
        var sent = 0L;
        try
        {
            while (sent < 256 * 1024 * 1024)
                sent += await socket.SendAsync(chunk);
        }
        catch (SocketException)
        {
            // Closed on us, as it should be.
        }

        return sent;
    }

    // To whom it has a token for, and to whom it has none.
    private string[] Heads()
    {
        const string json = "Content-Type: application/json\r\n";
        return
        [
            _mender.Head("PUT", Inventory) + json,
            _mender.Head("PUT", "/mender/api/devices/v1/deployments/device/deployments/1/status") + json,
            $"POST {Auth} HTTP/1.1\r\nHost: x\r\n{json}",
            _hawkbit.Head("PUT", "/configData") + json,
            _hawkbit.Head("POST", "/deploymentBase/2/feedback") + json,
        ];
    }

    private async Task AreServedAsync()
    {
        await _hawkbit.PollAsync();
        Assert.Null(await _mender.NextAsync());
    }
}
