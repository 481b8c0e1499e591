using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

public class StagedRolloutTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_wave_opens_when_the_one_before_is_confirmed_and_has_soaked()
    {
        var fleet = await AFleet.RunningAsync(_server, 12);
        var rollout = await fleet.StartAsync(new { waves = new[] { "2", "6", "rest" }, advance = "confirmed >= 100% and soaked 2h" });

        var first = await fleet.OfferedAsync();
        Assert.Equal(2, first.Length);
        await fleet.PassAsync(TimeSpan.FromHours(3));
        Assert.Equal(1, await fleet.WaveAsync(rollout));

        await AFleet.InstallAsync(first);
        await fleet.PassAsync(TimeSpan.FromHours(1.9));
        Assert.Equal(1, await fleet.WaveAsync(rollout));
        Assert.Empty(await fleet.OfferedAsync());
        await fleet.PassAsync(TimeSpan.FromHours(0.2));
        Assert.Equal(2, await fleet.WaveAsync(rollout));

        var second = await fleet.OfferedAsync();
        Assert.Equal(4, second.Length);
        await AFleet.InstallAsync(second);
        await fleet.PassAsync(TimeSpan.FromHours(2.1));
        var third = await fleet.OfferedAsync();
        Assert.Equal(6, third.Length);
        await fleet.PassAsync(TimeSpan.FromHours(9));
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.InstallAsync(third);
        await fleet.PassAsync(TimeSpan.FromHours(2.1));

        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal("completed", shown.GetProperty("state").GetString());
        Assert.Equal([2, 4, 6], shown.GetProperty("waves").EnumerateArray().Select(wave => wave.GetProperty("deployments").GetProperty("confirmed").GetInt32()));
        Assert.Equal(12, shown.GetProperty("deployments").GetProperty("confirmed").GetInt32());
    }

    [Fact]
    public async Task Shares_let_in_the_devices_whose_number_is_below_and_nobody_before()
    {
        var fleet = await AFleet.RunningAsync(_server, 20);
        var rollout = await fleet.StartAsync(new { waves = new[] { "30%", "60%", "100%" }, advance = (string?)null });
        ADevice[] In(double least, double most) => [.. fleet.Devices.Where(device =>
            Ota.Server.Rollouts.Waves.ShareOf(rollout, device.Id) is var share && share >= least && share < most)];
        Assert.NotEmpty(In(0, 0.3));

        Assert.Equal(In(0, 0.3), await fleet.OfferedAsync());
        await AFleet.InstallAsync(In(0, 0.3));
        Assert.Equal(In(0, 0.3).Length, (await fleet.ShownAsync(rollout)).GetProperty("waves")[0].GetProperty("devices").GetInt32());
        await fleet.DoAsync(rollout, "advance");
        Assert.Equal(In(0.3, 0.6), await fleet.OfferedAsync());
        await fleet.DoAsync(rollout, "advance");
        Assert.Equal(In(0.3, 1), await fleet.OfferedAsync());
        using var more = await _server.Admin.PostAsJsonAsync($"api/v1/rollouts/{rollout}/advance", new { });
        Assert.Equal(HttpStatusCode.Conflict, more.StatusCode);
    }

    [Fact]
    public async Task A_rollout_stops_itself_in_the_wave_that_went_wrong_and_counts_exactly()
    {
        var fleet = await AFleet.RunningAsync(_server, 12);
        var rollout = await fleet.StartAsync(new { waves = new[] { "2", "8", "rest" }, advance = "confirmed >= 50%", stop = "failed+reverted > 20%" });
        await AFleet.InstallAsync(await fleet.OfferedAsync());
        await fleet.PassAsync();
        Assert.Equal(2, await fleet.WaveAsync(rollout));

        var second = await fleet.OfferedAsync();
        Assert.Equal(6, second.Length);
        await AFleet.ReportAsync(second[..1], "failed");
        await fleet.PassAsync();
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.ReportAsync(second[1..2], "reverted");
        await fleet.PassAsync();

        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal("stopped", shown.GetProperty("state").GetString());
        Assert.Equal("wave 2: failed+reverted > 20% (2 of 6)", shown.GetProperty("stateReason").GetString());
        Assert.Equal(2, shown.GetProperty("wave").GetInt32());
        Assert.Empty(await fleet.OfferedAsync());

        // What failed before is forgiven to who resumes it; one more is one of six.
        await fleet.DoAsync(rollout, "resume");
        await fleet.PassAsync();
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.ReportAsync(second[2..3], "failed");
        await fleet.PassAsync();
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.ReportAsync(second[3..4], "failed");
        await fleet.PassAsync();
        Assert.Equal("stopped", await fleet.StateAsync(rollout));
    }

    [Fact]
    public async Task A_paused_rollout_hands_out_nothing_until_it_is_resumed()
    {
        var fleet = await AFleet.RunningAsync(_server, 3);
        var rollout = await fleet.StartAsync(new { stop = (string?)null });
        await fleet.Devices[0].OfferedAsync();

        await fleet.DoAsync(rollout, "pause");
        Assert.Empty(await fleet.OfferedAsync());
        await _server.RestartAsync();
        Assert.Empty(await fleet.OfferedAsync());
        Assert.Equal("paused", await fleet.StateAsync(rollout));
        Assert.Equal(2, (await fleet.ShownAsync(rollout)).GetProperty("held").GetProperty("paused").GetInt32());

        await fleet.DoAsync(rollout, "resume");
        Assert.Equal(3, (await fleet.OfferedAsync()).Length);
    }

    [Fact]
    public async Task A_device_that_is_not_heard_by_the_deadline_counts_as_failed_until_it_is()
    {
        var fleet = await AFleet.RunningAsync(_server, 10);
        var rollout = await fleet.StartAsync(new { waves = new[] { "4", "rest" }, advance = "confirmed >= 75%", stop = "failed > 1", deadline = 3600 });
        var first = await fleet.OfferedAsync();
        await AFleet.InstallAsync(first[..2]);

        await fleet.PassAsync(TimeSpan.FromMinutes(59));
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await fleet.PassAsync(TimeSpan.FromMinutes(2));

        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal(("stopped", 2), (shown.GetProperty("state").GetString(), shown.GetProperty("silent").GetInt32()));
        Assert.Equal("wave 1: failed > 1 (2 of 4)", shown.GetProperty("stateReason").GetString());
        await fleet.DoAsync(rollout, "resume");
        await AFleet.InstallAsync(first[2..3]);
        await fleet.PassAsync();
        Assert.Equal(("active", 2), (await fleet.StateAsync(rollout), await fleet.WaveAsync(rollout)));
        Assert.Equal(1, (await fleet.ShownAsync(rollout)).GetProperty("silent").GetInt32());
    }

    [Fact]
    public async Task A_restart_in_the_middle_of_a_wave_forgets_nobody_whom_it_let_in()
    {
        var fleet = await AFleet.RunningAsync(_server, 10);
        var rollout = await fleet.StartAsync(new { waves = new[] { "4", "rest" }, advance = "confirmed >= 100% and soaked 1h" });
        var early = await fleet.OfferedAsync(fleet.Devices[..3]);
        Assert.Equal(3, early.Length);
        await AFleet.InstallAsync(early[..1]);

        await _server.RestartAsync();

        Assert.Single(await fleet.OfferedAsync(fleet.Devices[3..]));
        Assert.Equal([.. early[1..], fleet.Devices[3]], await fleet.OfferedAsync());
        await AFleet.InstallAsync([.. early[1..], fleet.Devices[3]]);
        await _server.RestartAsync();
        await fleet.PassAsync(TimeSpan.FromMinutes(61));
        Assert.Equal(2, await fleet.WaveAsync(rollout));
        Assert.Equal(6, (await fleet.OfferedAsync()).Length);
    }

    [Fact]
    public async Task The_first_failure_among_few_of_a_large_wave_does_not_stop_it_and_the_second_does()
    {
        var fleet = await AFleet.RunningAsync(_server, 12);
        var rollout = await fleet.StartAsync(new { stop = "failed > 10%" });

        await AFleet.ReportAsync(fleet.Devices[..1], "failed");
        await fleet.PassAsync();
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.ReportAsync(fleet.Devices[1..2], "failed");
        await fleet.PassAsync();
        Assert.Equal("wave 1: failed > 10% (2 of 2)", (await fleet.ShownAsync(rollout)).GetProperty("stateReason").GetString());
    }

    [Fact]
    public async Task Alerts_of_its_devices_stop_a_rollout_and_a_webhook_is_told_once()
    {
        await using var receiver = await AReceiver.StartAsync();
        var fleet = await AFleet.RunningAsync(_server, 2);
        await _server.PostAsync("api/v1/products/kettle/webhooks", new { url = receiver.Url, events = new[] { "rollout.stopped", "rollout.completed" } });
        var rollout = await fleet.StartAsync(new { stop = "alerts > 0", waves = new[] { "1", "rest" }, advance = (string?)null });
        var looping = (await fleet.OfferedAsync()).Single();
        // What opened before, or on another device, has nothing to do with it.
        await CrashAsync(fleet.Devices.Single(device => device != looping));
        await fleet.PassAsync();
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.InstallAsync([looping]);
        await CrashAsync(looping);
        await fleet.PassAsync();

        Assert.Equal("wave 1: alerts > 0 (1 of 1)", (await fleet.ShownAsync(rollout)).GetProperty("stateReason").GetString());
        var told = (await receiver.NextAsync()).Data;
        Assert.Equal((rollout, "stopped", 1), (told.GetProperty("rollout").GetInt64(), told.GetProperty("state").GetString(), told.GetProperty("wave").GetInt32()));
        await fleet.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Single(receiver.All);
        var audited = (await _server.GetAsync("api/v1/audit?limit=1000")).EnumerateArray().Last(entry => entry.GetProperty("action").GetString() == "rollout.stop");
        Assert.Equal(("rollouts", "kettle 1.1.0"), (audited.GetProperty("who").GetString(), audited.GetProperty("subject").GetString()));
    }

    // Restarts until an alert of it is open on disk.
    private async Task CrashAsync(ADevice device)
    {
        for (var i = 0; i < 3; i++)
        {
            // No unit starts twice in a millisecond.
            _server.Time.Ahead += TimeSpan.FromSeconds(1);
            device.Starts++;
            device.Cause = "crash";
            await device.HeldAsync();
        }

        for (var patience = 0; (await _server.GetAsync($"api/v1/alerts?open=true&device={device.Id}")).GetArrayLength() == 0; patience++)
        {
            await _server.App.Services.GetRequiredService<Ota.Server.Alerts.AlertWatch>().FlushAsync();
            Assert.True(patience < 100, "no alert opened");
            await Task.Delay(100);
        }
    }
}
