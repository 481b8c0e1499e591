using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>Updates of a client that speaks Blynk and of nothing else: pushed as an address, confirmed by a later hello.</summary>
public class BlynkUpdateTests : IAsyncLifetime
{
    private const string HardwareId = "24:6f:28:aa:3f:10";
    private RunningServer _server = null!;
    private string _device = "";
    private string _token = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(null, "--BlynkPort", "127.0.0.1:0");
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", "firmware two"));
        var adopted = await _server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = HardwareId, dialect = "blynk", hardware = "virtual" });
        (_device, _token) = (adopted.GetProperty("device").GetString()!, adopted.GetProperty("token").GetString()!);
        Assert.Equal("", adopted.GetProperty("path").GetString());
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_hello_is_an_ask_and_what_is_handed_out_is_confirmed_only_by_a_hello_of_the_new_version()
    {
        await using (var idle = await HelloAsync("1.0.0"))
        {
            await idle.PingAsync();
            Assert.Equal(("1.0.0", "blynk", "md5"), await ShownAsync());
        }

        await DeployAsync("1.1.0");
        await using (var sketch = await HelloAsync("1.0.0"))
        {
            Assert.Equal("firmware two", await FetchAsync(await PushedAsync(sketch)));
            Assert.Equal("downloaded", await StateAsync());
            // While it installs, its pings mean nothing.
            await sketch.PingAsync();
            _server.Time.Ahead += TimeSpan.FromHours(1);
            await sketch.PingAsync();
            await sketch.PingAsync();
            Assert.Equal("downloaded", await StateAsync());
        }

        await using var updated = await HelloAsync("1.1.0");
        await updated.PingAsync();
        Assert.Equal("confirmed", await StateAsync());
    }

    [Fact]
    public async Task Check_now_makes_a_connected_sketch_be_decided_at_once_and_the_status_pin_says_what_comes_of_it()
    {
        await using var sketch = await HelloAsync("1.0.0");
        await sketch.PingAsync();
        await DeployAsync("1.1.0");
        using (var set = await _server.Admin.PutAsJsonAsync($"api/v1/devices/{_device}/pins/check-now", new { }))
            Assert.True(set.IsSuccessStatusCode);

        var url = await PushedAsync(sketch);
        Assert.Equal("vw|251|1", await sketch.WrittenAsync());
        Assert.Equal("firmware two", await FetchAsync(url));
        await _server.FlushPinsAsync();
        Assert.Equal("installing", await _server.Anyone.GetStringAsync($"external/api/get?token={_token}&v252"));
    }

    [Fact]
    public async Task A_sketch_that_stays_connected_is_asked_for_when_its_time_has_come()
    {
        await using var sketch = await HelloAsync("1.0.0");
        await sketch.PingAsync();
        await DeployAsync("1.1.0");
        await sketch.PingAsync();

        _server.Time.Ahead += TimeSpan.FromDays(2);
        await sketch.SendAsync(6, 9, "");

        // The ping before may be looked at after this step of the clock, and the push be there before this answer.
        var frames = new[] { await sketch.NextAsync(), await sketch.NextAsync() };
        Assert.Contains((0, 9, "200"), frames);
        Assert.StartsWith("ota\0" + _server.Anyone.BaseAddress, frames.Single(frame => frame.Type == 17).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sketch_without_a_version_is_never_confirmed_but_assumed()
    {
        await DeployAsync("1.1.0");
        await using (var sketch = await HelloAsync(null))
            Assert.Equal("firmware two", await FetchAsync(await PushedAsync(sketch)));
        await using var again = await HelloAsync(null);
        await again.PingAsync();

        Assert.Equal("assumed", await StateAsync());
    }

    [Fact]
    public async Task A_sketch_that_fetches_all_of_it_three_times_and_still_says_the_old_version_has_reverted()
    {
        await DeployAsync("1.1.0");
        for (var tries = 0; tries < 3; tries++)
        {
            await using var sketch = await HelloAsync("1.0.0");
            await FetchAsync(await PushedAsync(sketch));
        }

        await using var still = await HelloAsync("1.0.0");
        await still.PingAsync();
        Assert.Equal("reverted", await StateAsync());
    }

    [Fact]
    public async Task A_recovery_goes_in_two_steps_and_a_ping_in_between_is_not_taken_for_an_answer()
    {
        await using (var sketch = await HelloAsync("1.0.0"))
            await sketch.PingAsync();
        var build = ABuild.Of("9.0.0", "clears the Wi-Fi");
        await _server.UploadedAsync(build with { Statement = build.Statement with { Kind = "recovery" } });
        await _server.PostAsync($"api/v1/devices/{_device}/recover", new { reason = "the router is new" });

        await using (var sketch = await HelloAsync("1.0.0"))
        {
            Assert.Equal("clears the Wi-Fi", await FetchAsync(await PushedAsync(sketch)));
            _server.Time.Ahead += TimeSpan.FromHours(1);
            await sketch.PingAsync();
            await sketch.PingAsync();
            Assert.Equal("clearing", await StateAsync());
        }

        await using (var recovering = await HelloAsync("9.0.0"))
            Assert.Equal("firmware one", await FetchAsync(await PushedAsync(recovering)));
        await using var back = await HelloAsync("1.0.0");
        await back.PingAsync();
        Assert.Equal("completed", await StateAsync());
    }

    [Fact]
    public async Task An_address_opens_the_image_that_was_pushed_and_nothing_to_a_stranger()
    {
        await DeployAsync("1.1.0");
        await using var sketch = await HelloAsync("1.0.0");
        var url = await PushedAsync(sketch);
        Assert.InRange(url.Length, 1, 252);

        using var other = await _server.Anyone.GetAsync(url[..^64] + new string('0', 64));
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        using var forged = await _server.Anyone.GetAsync(url.Replace(_device + ".", _device + ".A", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Unauthorized, forged.StatusCode);
        Assert.DoesNotContain(url[^100..], _server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_cannot_be_told_so_long_an_address_has_failed_and_the_reason_says_so()
    {
        await DeployAsync("1.1.0");
        await using var sketch = await ASketch.LoggedInAsync(_server, _token);
        await sketch.SendAsync(17, 2, "ver\01.3.2\0buff-in\0100\0fw\01.0.0\0");
        Assert.Equal((0, 2, "200"), await sketch.NextAsync());
        await sketch.PingAsync();

        var deployment = (await _server.GetAsync($"api/v1/devices/{_device}")).GetProperty("deployments")[0];
        Assert.Equal("failed", deployment.GetProperty("state").GetString());
        Assert.Contains("96 can be told", deployment.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_hello_of_our_own_agent_is_no_check_in()
    {
        var key = (await _server.GetAsync("api/v1/products/kettle")).GetProperty("enrollmentKey").GetString()!;
        var agent = await ADevice.EnrollAsync(_server, key);
        await using var sketch = await ASketch.LoggedInAsync(_server, await ASketch.TokenAsync(_server, agent.Id));
        await sketch.SendAsync(17, 2, "ver\01.3.2\0fw\07.0.0\0");
        Assert.Equal((0, 2, "200"), await sketch.NextAsync());
        await sketch.PingAsync();

        Assert.Equal(JsonValueKind.Null, (await agent.ShownAsync()).GetProperty("lastSeen").ValueKind);
    }

    private async Task<ASketch> HelloAsync(string? version)
    {
        var sketch = await ASketch.LoggedInAsync(_server, _token);
        var firmware = version is null ? "" : $"fw\0{version}\0";
        await sketch.SendAsync(17, 2, $"ver\01.3.2\0h-beat\040\0buff-in\01024\0dev\0ESP32\0{firmware}build\0Jan  1 2026 00:00:00\0");
        Assert.Equal((0, 2, "200"), await sketch.NextAsync());
        return sketch;
    }

    private static async Task<string> PushedAsync(ASketch sketch)
    {
        var (type, id, body) = await sketch.NextAsync();
        Assert.Equal(17, type);
        Assert.NotEqual(0, id);
        Assert.StartsWith("ota\0http://127.0.0.1:", body, StringComparison.Ordinal);
        return body[4..];
    }

    // As the library does: no authorization, no range, and the hash looked at.
    private async Task<string> FetchAsync(string url)
    {
        var answer = await RawHttp.SendAsync(_server, $"GET {new Uri(url).PathAndQuery} HTTP/1.1\r\nHost: {new Uri(url).Authority}\r\nConnection: close\r\n\r\n");
        Assert.Equal(200, answer.Status);
        Assert.True(answer.IsWhole);
#pragma warning disable CA5351 // It is what the client checks.
        Assert.Equal(Convert.ToHexStringLower(MD5.HashData(answer.Body)), answer.Header("x-MD5"));
#pragma warning restore CA5351
        return Encoding.UTF8.GetString(answer.Body);
    }

    private Task<JsonElement> DeployAsync(string version) => _server.PostAsync("api/v1/deployments", new { product = "kettle", version, device = _device });

    private async Task<string?> StateAsync() => (await _server.GetAsync($"api/v1/devices/{_device}")).GetProperty("state").GetString();

    private async Task<(string?, string?, string?)> ShownAsync()
    {
        var shown = await _server.GetAsync($"api/v1/devices/{_device}");
        return (shown.GetProperty("running").GetString(), shown.GetProperty("dialect").GetString(), shown.GetProperty("protection").GetString());
    }
}
