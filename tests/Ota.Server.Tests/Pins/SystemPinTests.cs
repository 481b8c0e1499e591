using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Pins;

/// <summary>What the server itself reads from pins and says by them.</summary>
public class SystemPinTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private string _enrollmentKey = "";
    private ADevice _device = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Asked_to_check_now_a_device_hears_it_and_the_status_says_what_came_of_it()
    {
        await _device.HeldAsync();
        await ShowsAsync("status", "up-to-date");
        var waiting = _device.GetAsync("agent/v1/pins?wait=20");

        await CheckNowAsync();

        using (var told = await waiting)
        {
            var write = (await told.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("writes")[0];
            Assert.Equal((251, "check-now"), (write.GetProperty("pin").GetInt32(), write.GetProperty("system").GetString()));
        }

        // On disk before the device heard of it.
        Assert.Equal("checking", await ValueAsync("status"));
        await _device.HeldAsync();
        await ShowsAsync("status", "up-to-date");
    }

    [Fact]
    public async Task An_update_is_followed_by_the_status_and_ends_at_the_version_pin()
    {
        await _device.HeldAsync();
        await _server.UploadedAsync(ABuild.Of("1.4.0"));
        var watching = new Watch(_server, _device);
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.4.0", device = _device.Id });
        await watching.UntilAsync("status", "ordered 1.4.0");
        var order = await _device.OfferedAsync();
        await watching.UntilAsync("status", "offered 1.4.0");
        var deployment = order.GetProperty("deployment").GetString()!;
        await ReportAsync(1, deployment, "downloading", "40%");
        await watching.UntilAsync("status", "downloading 40%");
        await ReportAsync(2, deployment, "downloaded", null);
        await watching.UntilAsync("status", "installing");
        _device.LastOrder = order.GetProperty("number").GetInt64();
        _device.Running = "1.4.0";
        _device.Release = order.GetProperty("release").GetString();
        _device.Slot = "trial";
        _device.Starts = 2;
        _device.Cause = "update";
        await _device.HeldAsync();
        _device.Slot = "confirmed";
        await _device.HeldAsync();

        // With the confirmation itself, not a moment later.
        var version = await ValueAsync("version");
        Assert.Matches(@"^1\.4\.0 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", version);
        await watching.UntilAsync("status", "confirmed " + version);
        await ShowsAsync("restart-cause", "update");
        await ShowsAsync("rssi", "-60");

        // How it ended is said until somebody asks again.
        await _device.HeldAsync();
        await _server.FlushPinsAsync();
        Assert.Equal("confirmed " + version, await ValueAsync("status"));
        await CheckNowAsync();
        using (var told = await _device.GetAsync("agent/v1/pins"))
            Assert.Equal(HttpStatusCode.OK, told.StatusCode);
        await _device.HeldAsync();
        await ShowsAsync("status", "up-to-date");
        Assert.Equal(version, await ValueAsync("version"));
    }

    [Fact]
    public async Task A_reverted_update_says_why_also_after_the_device_asked_again()
    {
        await _device.HeldAsync();
        await _server.UploadedAsync(ABuild.Of("1.4.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.4.0", device = _device.Id });
        var order = await _device.OfferedAsync();
        _device.LastOrder = order.GetProperty("number").GetInt64();
        await ReportAsync(1, order.GetProperty("deployment").GetString()!, "reverted", "confirm-deadline");
        await _device.HeldAsync();
        await _server.FlushPinsAsync();

        Assert.Equal("reverted 1.4.0: confirm-deadline", await ValueAsync("status"));
        using var none = await _server.Admin.GetAsync($"api/v1/devices/{_device.Id}/pins/version");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    [Fact]
    public async Task A_recovery_is_followed_by_the_status()
    {
        await _device.HeldAsync();
        var rescue = ABuild.Of("9.0.0", "recovery");
        await _server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await _server.PostAsync($"api/v1/devices/{_device.Id}/recover", new { reason = "new router" });
        await ShowsAsync("status", "recovery armed");
        var order = await _device.OfferedAsync();
        await ShowsAsync("status", "recovery offered");
        _device.LastOrder = order.GetProperty("number").GetInt64();
        _device.Cleared = _device.LastOrder;
        await _device.HeldAsync();
        await ShowsAsync("status", "recovery completed");
    }

    [Fact]
    public async Task A_device_that_does_not_listen_finds_the_wish_when_it_next_asks_and_its_poll_is_as_it_was()
    {
        await _device.HeldAsync();
        await CheckNowAsync();
        await _server.RestartAsync();
        using (var told = await _device.GetAsync("agent/v1/pins?wait=5"))
            Assert.Equal(HttpStatusCode.OK, told.StatusCode);

        using var held = await _device.CheckInAsync();
        Assert.Equal(HttpStatusCode.NoContent, held.StatusCode);
        Assert.True(held.Headers.RetryAfter!.Delta > TimeSpan.FromMinutes(5), $"{held.Headers.RetryAfter.Delta}");

        // It has asked since: a restart, which forgets the seq, is no reason to ask again.
        using (var silence = await _device.GetAsync("agent/v1/pins?wait=1"))
            Assert.Equal(HttpStatusCode.NoContent, silence.StatusCode);
        await _server.SetPinAsync(_device, "5", "on");
        using var news = await _device.GetAsync("agent/v1/pins?wait=5");
        Assert.Equal(5, (await news.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("writes")[0].GetProperty("pin").GetInt32());
    }

    [Fact]
    public async Task Signal_and_restart_cause_are_said_when_they_change_and_a_held_check_in_waits_for_no_writer()
    {
        await _device.HeldAsync();
        await ShowsAsync("rssi", "-60");
        await ShowsAsync("restart-cause", "power-or-unknown");
        var seq = (await _server.PinAsync(_device, "restart-cause")).GetProperty("seq").GetInt64();
        using var leave = new ManualResetEventSlim();
        var blocked = _server.App.Services.GetRequiredService<Database>()
            .WriteAsync(_ => leave.Wait(TimeSpan.FromSeconds(60)), TestContext.Current.CancellationToken);

        _device.Rssi = -71;
        await _device.HeldAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal("-60", await ValueAsync("rssi"));
        leave.Set();
        await blocked;

        await ShowsAsync("rssi", "-71");
        _device.Rssi = 0;
        await _device.HeldAsync();
        await _server.FlushPinsAsync();
        Assert.Equal("-71", await ValueAsync("rssi"));
        Assert.Equal(seq, (await _server.PinAsync(_device, "restart-cause")).GetProperty("seq").GetInt64());
    }

    [Fact]
    public async Task A_products_system_pins_can_be_elsewhere_and_take_nothing_of_the_users()
    {
        await _device.HeldAsync();
        await ShowsAsync("rssi", "-60");
        await _server.SetPinAsync(_device, "4", "mine");
        object Numbers(int rssi) => new { pins = new { checkNow = 0, status = 1, version = 2, restartCause = 3, rssi } };
        using (var twice = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/pins", Numbers(3)))
            Assert.Equal(HttpStatusCode.BadRequest, twice.StatusCode);
        using (var beyond = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/pins", Numbers(256)))
            Assert.Equal(HttpStatusCode.BadRequest, beyond.StatusCode);

        using (var set = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/pins", Numbers(4)))
            Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        await _server.RestartAsync();

        Assert.Equal("-60", await ValueAsync("4"));
        Assert.Equal("-60", await ValueAsync("rssi"));
        await _server.SetPinAsync(_device, "251", "now a user's");
        await _server.SetPinAsync(_device, "0", "1");
        using (var told = await _device.GetAsync("agent/v1/pins"))
        {
            var writes = (await told.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("writes").EnumerateArray().ToArray();
            Assert.Equal([251, 0], writes.Select(write => write.GetProperty("pin").GetInt32()));
            Assert.Equal("check-now", writes[1].GetProperty("system").GetString());
        }

        // The usual ones again.
        using (var set = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/pins", new { pins = (object?)null }))
            Assert.Equal(251, (await set.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("pins").GetProperty("checkNow").GetInt32());
        Assert.Equal("mine", await ValueAsync("4"));
    }

    private async Task CheckNowAsync()
    {
        using var answer = await _server.Admin.PutAsJsonAsync($"api/v1/devices/{_device.Id}/pins/check-now", new { });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task ReportAsync(long seq, string deployment, string state, string? detail)
    {
        using var answer = await _device.ReportAsync(new { seq, at = 0, deployment, state, detail });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    private async Task<string?> ValueAsync(string pin) => (await _server.PinAsync(_device, pin)).GetProperty("value").GetString();

    // What is written behind is there within a second; a busy machine may take longer.
    private async Task ShowsAsync(string pin, string value) => await new Watch(_server, _device).UntilAsync(pin, value);

    /// <summary>Follows a device's pins as an app does, from what there is on.</summary>
    private sealed class Watch(RunningServer server, ADevice device)
    {
        private long _seq;

        public async Task UntilAsync(string pin, string value)
        {
            var waited = Stopwatch.StartNew();
            var seen = new List<string>();
            while (true)
            {
                Assert.True(waited.Elapsed < TimeSpan.FromSeconds(15), $"{pin} was never {value}, but {string.Join("; ", seen)}");
                var news = await server.GetAsync($"api/v1/devices/{device.Id}/pins?after={_seq}&wait=5");
                foreach (var one in news.GetProperty("pins").EnumerateArray())
                {
                    _seq = one.GetProperty("seq").GetInt64();
                    if (one.GetProperty("system").GetString() != pin)
                        continue;
                    seen.Add(one.GetProperty("value").GetString()!);
                    if (seen[^1] == value)
                        return;
                }
            }
        }
    }
}
