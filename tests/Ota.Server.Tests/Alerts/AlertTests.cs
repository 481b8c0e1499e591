using System.Net;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Alerts;

/// <summary>From check-ins, and from their absence, to the list of alerts on a real server whose days pass quickly.</summary>
public sealed class AlertTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    private AlertWatch Watch => _server.App.Services.GetRequiredService<AlertWatch>();

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync(poll: "every 15m");
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await _device.HeldAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Three_crashes_within_an_hour_open_a_crash_loop_once_and_an_hour_without_one_closes_it()
    {
        await CrashAsync();
        await CrashAsync();
        Assert.Empty(await AlertsAsync());
        await CrashAsync();
        await CrashAsync();

        var alert = Assert.Single(await AlertsAsync("&open=true"));
        Assert.Equal("crash-loop", alert.GetProperty("kind").GetString());
        Assert.Equal("02:00:00:00:00:01", alert.GetProperty("hardwareId").GetString());

        Pass(61);
        await _device.HeldAsync();
        Assert.Empty(await AlertsAsync("&open=true"));
        Assert.NotEqual(JsonValueKind.Null, Assert.Single(await AlertsAsync()).GetProperty("closed").ValueKind);
        Assert.Equal(
            ["Crash loop: restarted 3 times within an hour and nobody meant it (last cause: crash)", "Crash loop over"], await ToldAsync());
    }

    [Fact]
    public async Task Restarts_that_somebody_meant_open_nothing()
    {
        foreach (var cause in new[] { "update", "user", "update", "user", "update" })
            await CrashAsync(cause);

        Assert.Empty(await AlertsAsync());
    }

    [Fact]
    public async Task A_crash_loop_that_began_before_the_server_was_restarted_opens_after_it_and_closes_after_another()
    {
        await CrashAsync();
        await CrashAsync();
        await _server.RestartAsync();
        await CrashAsync();
        Assert.Single(await AlertsAsync("&open=true"));

        await _server.RestartAsync();
        await CrashAsync();
        Assert.Single(await AlertsAsync());
        Pass(61);
        await _device.HeldAsync();
        Assert.Empty(await AlertsAsync("&open=true"));
        Assert.Single(await AlertsAsync());
    }

    [Fact]
    public async Task A_device_is_silent_after_two_missed_check_ins_and_no_longer_when_it_is_heard()
    {
        Pass(31);
        Watch.Sweep();
        Assert.Empty(await AlertsAsync());
        Pass(2);
        Watch.Sweep();

        Assert.Equal("silent", Assert.Single(await AlertsAsync("&open=true")).GetProperty("kind").GetString());
        await _device.HeldAsync();
        Assert.Empty(await AlertsAsync("&open=true"));
        var told = await ToldAsync();
        Assert.StartsWith("Silent: missed 2 check-ins, last heard ", told[0], StringComparison.Ordinal);
        Assert.Equal("Silence over", told[1]);
    }

    [Fact]
    public async Task A_server_that_was_down_alarms_nobody_until_two_check_ins_were_missed_after_its_start()
    {
        await _server.StoppedAsync(() => Pass(10 * 24 * 60));
        Watch.Sweep();
        Pass(31);
        Watch.Sweep();
        Assert.Empty(await AlertsAsync());

        Pass(2);
        Watch.Sweep();
        Assert.Single(await AlertsAsync("&open=true&kind=silent"));
    }

    [Fact]
    public async Task A_server_that_was_only_restarted_still_knows_what_was_missed()
    {
        Pass(25);
        await _server.RestartAsync();
        Pass(8);
        Watch.Sweep();

        Assert.Single(await AlertsAsync("&open=true&kind=silent"));
    }

    [Fact]
    public async Task Who_was_never_heard_and_who_is_to_be_decommissioned_is_not_silent()
    {
        await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        var known = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:03");
        await known.HeldAsync();
        await _server.PostAsync($"api/v1/devices/{_device.Id}/decommission", new { reason = "sold" });
        Pass(60);
        Watch.Sweep();

        Assert.Equal(known.Id, Assert.Single(await AlertsAsync()).GetProperty("device").GetString());
        await _server.PostAsync($"api/v1/devices/{known.Id}/decommission", new { reason = "sold too" });
        Watch.Sweep();
        Assert.Empty(await AlertsAsync("&open=true"));
    }

    [Fact]
    public async Task A_signal_that_stays_weak_opens_an_alert_across_a_restart_and_one_that_stays_good_closes_it()
    {
        await SignalAsync(-86, -86);
        Assert.Empty(await AlertsAsync());
        await _server.RestartAsync();
        await SignalAsync(-81);
        Assert.Equal(
            "-81 dBm, worse than −80 dBm 3 times in a row",
            Assert.Single(await AlertsAsync("&kind=weak-signal&open=true")).GetProperty("detail").GetString());

        await SignalAsync(-79, -79, -79, -70, -70);
        Assert.Single(await AlertsAsync("&open=true"));
        await _server.RestartAsync();
        await SignalAsync(-70);
        Assert.Empty(await AlertsAsync("&open=true"));
    }

    [Fact]
    public async Task There_are_never_two_open_alerts_of_a_device_and_kind_whatever_races()
    {
        Pass(40);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            Watch.Sweep();
            await Watch.FlushAsync();
        })));
        await _server.RestartAsync();
        Watch.Sweep();
        Assert.Single(await AlertsAsync());

        var device = _server.App.Services.GetRequiredService<Fleet>().Find(_device.Id)!;
        var database = _server.App.Services.GetRequiredService<Database>();
        await database.WriteAsync(
            connection => AlertTable.Write(connection, new AlertChange(device, AlertKind.Silent, At: 1, "again")),
            CancellationToken.None);
        Assert.Single(await AlertsAsync());
    }

    [Fact]
    public async Task The_list_is_paged_newest_first_and_filtered()
    {
        await SignalAsync(-90, -90, -90);
        Pass(60);
        Watch.Sweep();

        var first = Assert.Single(await AlertsAsync("&limit=1"));
        Assert.Equal("silent", first.GetProperty("kind").GetString());
        var second = Assert.Single(await AlertsAsync($"&after={first.GetProperty("id").GetInt64()}"));
        Assert.Equal("weak-signal", second.GetProperty("kind").GetString());
        Assert.Equal(2, (await _server.GetAsync($"api/v1/alerts?device={_device.Id}")).GetArrayLength());
        await _server.AddProductAsync("pan");
        Assert.Equal(0, (await _server.GetAsync("api/v1/alerts?product=pan")).GetArrayLength());
        foreach (var (query, status) in new[]
        {
            ("kind=bored", HttpStatusCode.BadRequest), ("limit=0", HttpStatusCode.BadRequest), ("product=teapot", HttpStatusCode.NotFound),
            ("device=nobody", HttpStatusCode.NotFound), ("open=perhaps", HttpStatusCode.BadRequest), ("after=x", HttpStatusCode.BadRequest),
        })
            Assert.Equal(status, (await _server.Admin.GetAsync("api/v1/alerts?" + query)).StatusCode);
    }

    [Fact]
    public async Task Closed_alerts_are_kept_for_90_days_and_open_ones_as_long_as_they_are()
    {
        await CrashAsync();
        await CrashAsync();
        await CrashAsync();
        Pass(61);
        await _device.HeldAsync();
        Pass(60);
        Watch.Sweep();
        Assert.Equal(2, (await AlertsAsync()).Length);
        var database = _server.App.Services.GetRequiredService<Database>();

        foreach (var (days, left) in new[] { (89, 2), (91, 1) })
        {
            var then = _server.Time.GetUtcNow().AddDays(days);
            await database.WriteAsync(connection => AlertTable.Prune(connection, then), CancellationToken.None);
            Assert.Equal(left, database.Read(connection => connection.ExecuteScalar<int>("SELECT count(*) FROM alerts")));
        }
    }

    private void Pass(double minutes) => _server.Time.Ahead += TimeSpan.FromMinutes(minutes);

    private async Task CrashAsync(string cause = "crash")
    {
        Pass(10);
        (_device.Starts, _device.Cause) = (_device.Starts + 1, cause);
        await _device.HeldAsync();
    }

    private async Task SignalAsync(params int[] signals)
    {
        foreach (var signal in signals)
        {
            Pass(5);
            _device.Rssi = signal;
            await _device.HeldAsync();
        }
    }

    private async Task<JsonElement[]> AlertsAsync(string query = "") =>
        [.. (await _server.GetAsync("api/v1/alerts?product=kettle" + query)).EnumerateArray()];

    private async Task<string[]> ToldAsync() => [.. (await _device.ShownAsync()).GetProperty("timeline").EnumerateArray()
        .Where(entry => entry.GetProperty("kind").GetString() is "alert" or "alert-over")
        .Select(entry => entry.GetProperty("text").GetString()!)];
}
