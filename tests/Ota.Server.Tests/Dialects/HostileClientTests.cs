using System.Net;
using System.Net.Sockets;
using System.Text;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>Requests that no client sends, and lines that break: a clear answer or none, nothing lost, and the server goes on.</summary>
public class HostileClientTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private AnEspSketch _sketch = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.1.0", new string('x', 4_000_000)));
        (_, _sketch) = await AnEspSketch.AdoptAsync(_server);
        _sketch.FreeSpace = 16_000_000;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("x-ESP8266-free-space: 99999999999999999999999\r\n")]
    [InlineData("x-ESP8266-free-space: -1\r\n")]
    [InlineData("x-ESP8266-version: 9.9.9\r\nx-ESP8266-version: 8.8.8\r\n")]
    [InlineData("x-ota-rssi: strong\r\nx-ota-uptime: 99999999999999999999\r\nx-ota-restart: ';DROP TABLE devices;--\r\n")]
    [InlineData("x-ota-rssi: -2147483649\r\nx-ota-uptime: -5\r\nx-ota-free-memory: 9223372036854775807\r\n")]
    [InlineData("Range: bytes=0-18446744073709551615\r\nIf-Range: \"x\"\r\n")]
    public async Task What_cannot_be_read_is_as_if_it_were_not_there(string more)
    {
        _sketch.More = more;

        Assert.Equal(304, (await _sketch.AskAsync()).Status);

        Assert.Equal("enrolled", await _sketch.StateAsync());
    }

    [Theory]
    [InlineData("x-ESP8266-version: 1\0.0\r\n")]
    [InlineData("x-ESP8266-version : 1.0\r\n")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n")]
    public async Task A_malformed_request_is_refused(string more)
    {
        _sketch.More = more;

        Assert.Equal(400, (await _sketch.AskAsync()).Status);
    }

    [Fact]
    public async Task A_flood_of_headers_or_a_path_without_end_is_refused()
    {
        _sketch.More = string.Concat(Enumerable.Range(0, 200).Select(i => $"x-{i}: 1\r\n"));
        Assert.Equal(431, (await _sketch.AskAsync()).Status);
        _sketch.More = $"x-ESP8266-version: {new string('1', 60_000)}\r\n";
        Assert.Equal(431, (await _sketch.AskAsync()).Status);
        Assert.Equal(414, (await new AnEspSketch(_server, "/esp8266/" + new string('a', 20_000)).AskAsync()).Status);
        Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266/" + new string('a', 4_000)).AskAsync()).Status);
        Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266") { More = "Authorization: Basic " + new string('A', 8_000) + "\r\n" }.AskAsync()).Status);
        Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266") { More = "Authorization: Basic !!!\r\n" }.AskAsync()).Status);
    }

    [Fact]
    public async Task Half_open_lines_and_clients_that_take_no_byte_hold_nobody_else_up()
    {
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });
        var lines = new List<Socket>();
        for (var i = 0; i < 40; i++)
        {
            var socket = await RawHttp.ConnectAsync(_server);
            socket.ReceiveBufferSize = 1024;
            var request = _sketch.Request();
            await socket.SendAsync(Encoding.ASCII.GetBytes(i % 2 == 0 ? request[..(request.Length / 2)] : request));
            lines.Add(socket);
        }

        Assert.Equal(4_000_000, (await _sketch.FetchAsync()).Length);
        lines.ForEach(line => line.Dispose());
        _sketch.Version = "1.1.0";
        await _sketch.HeldAsync();
        Assert.Equal("confirmed", await _sketch.StateAsync());
    }

    [Fact]
    public async Task A_version_that_is_no_version_is_shown_as_unknown_and_never_taken_for_a_confirmation()
    {
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });
        foreach (var version in new[] { "<script>", "1.1.0~", "../../etc/passwd", new string('9', 250), "1.1.0 OR 1=1" })
        {
            _sketch.Version = version;
            var answer = await _sketch.AskAsync("version");
            Assert.Equal(HttpStatusCode.OK, (HttpStatusCode)answer.Status);
        }

        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await _sketch.ShownAsync()).GetProperty("running").ValueKind);
        Assert.Contains("First check-in; says no version that can be read", await _sketch.TimelineAsync());
        Assert.Equal("ordered", await _sketch.StateAsync());
    }

    [Fact]
    public async Task The_secret_of_an_address_is_in_no_log()
    {
        await _sketch.AskAsync();
        await new AnEspSketch(_server, _sketch.Path + "x").AskAsync();

        Assert.DoesNotContain(_sketch.Path.Split('.')[1], _server.Log.Text, StringComparison.Ordinal);
    }
}
