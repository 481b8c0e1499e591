using System.Net;
using System.Net.Http.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

public class RolloutReturnTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_rollout_that_is_returned_brings_back_who_got_it_and_nobody_else()
    {
        var fleet = await AFleet.RunningAsync(_server, 6);
        var (got, offered, later) = (fleet.Devices[..3], fleet.Devices[3], fleet.Devices[4]);
        // Runs it already, though not from this rollout.
        var same = fleet.Devices[5];
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", device = same.Id });
        await same.InstallAsync("1.1.0");
        var rollout = await fleet.StartAsync(new { });
        await same.HeldAsync();
        await AFleet.InstallAsync(got);
        await AFleet.InstallAsync([later]);
        await offered.OfferedAsync();
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.2.0", device = later.Id });
        await later.InstallAsync("1.2.0");

        await fleet.DoAsync(rollout, "return");
        await fleet.PassAsync();

        Assert.Equal("cancelled", await offered.StateAsync());
        Assert.Equal("returning", await fleet.StateAsync(rollout));
        Assert.Equal(got, await fleet.OfferedAsync());
        await AFleet.InstallAsync(got[..2], "1.0.0");
        await fleet.PassAsync();
        Assert.Equal("returning", await fleet.StateAsync(rollout));
        await _server.RestartAsync();
        await AFleet.InstallAsync(got[2..], "1.0.0");
        await fleet.PassAsync();

        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal("returned", shown.GetProperty("state").GetString());
        Assert.Equal(3, shown.GetProperty("deployments").GetProperty("returned").GetInt32());
        var wave = Assert.Single(shown.GetProperty("waves").EnumerateArray());
        Assert.Equal((5, 5, 4), (
            shown.GetProperty("devices").GetInt32(), wave.GetProperty("devices").GetInt32(), wave.GetProperty("deployments").GetProperty("confirmed").GetInt32()));
        Assert.Empty(await fleet.OfferedAsync());
        var back = (await got[0].ShownAsync()).GetProperty("deployments")[0];
        Assert.Equal(("return", "1.0.0", "confirmed"), (
            back.GetProperty("purpose").GetString(), back.GetProperty("version").GetString(), back.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task A_rollout_may_stop_by_bringing_back_its_devices_within_its_deadline()
    {
        var fleet = await AFleet.RunningAsync(_server, 4);
        var rollout = await fleet.StartAsync(new { stop = "reverted > 1", onStop = "return", deadline = 3600 });
        await AFleet.InstallAsync(fleet.Devices[..2]);
        await AFleet.ReportAsync(fleet.Devices[2..3], "reverted");
        await fleet.Devices[3].OfferedAsync();
        // Everybody has begun, but one of them is at it.
        await fleet.PassAsync();
        Assert.Equal("active", await fleet.StateAsync(rollout));
        await AFleet.ReportAsync(fleet.Devices[3..], "reverted");
        await fleet.PassAsync();

        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal(("returning", "wave 1: reverted > 1 (2 of 4)"), (shown.GetProperty("state").GetString(), shown.GetProperty("stateReason").GetString()));
        await fleet.Devices[0].InstallAsync("1.0.0");
        await fleet.PassAsync(TimeSpan.FromMinutes(59));
        Assert.Equal("returning", await fleet.StateAsync(rollout));
        await fleet.PassAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("returned", await fleet.StateAsync(rollout));
        Assert.Empty(await fleet.OfferedAsync());
    }

    [Fact]
    public async Task Nobody_is_brought_back_below_its_floor_or_to_what_was_withdrawn()
    {
        var fleet = await AFleet.RunningAsync(_server, 2);
        var rollout = await fleet.StartAsync(new { });
        await AFleet.InstallAsync(fleet.Devices);
        fleet.Devices[0].SecurityCounter = 1;
        await fleet.Devices[0].HeldAsync();

        await fleet.DoAsync(rollout, "return");
        Assert.Equal(1, (await fleet.ShownAsync(rollout)).GetProperty("held").GetProperty("below-floor").GetInt32());
        Assert.Equal([fleet.Devices[1]], await fleet.OfferedAsync());
        await _server.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { });
        Assert.Empty(await fleet.OfferedAsync());
        await fleet.PassAsync();
        Assert.Equal("returned", await fleet.StateAsync(rollout));
    }

    [Fact]
    public async Task A_device_that_cannot_be_brought_back_is_tried_once()
    {
        var fleet = await AFleet.RunningAsync(_server, 1);
        var rollout = await fleet.StartAsync(new { });
        await AFleet.InstallAsync(fleet.Devices);
        await fleet.DoAsync(rollout, "return");
        await AFleet.ReportAsync(fleet.Devices, "failed");

        Assert.Empty(await fleet.OfferedAsync());
        await fleet.PassAsync();
        Assert.Equal("returned", await fleet.StateAsync(rollout));
        Assert.Equal(1, (await fleet.ShownAsync(rollout)).GetProperty("deployments").GetProperty("not-returned").GetInt32());
    }

    [Fact]
    public async Task What_may_not_be_done_in_a_state_is_refused_with_a_sentence()
    {
        var fleet = await AFleet.RunningAsync(_server, 1);
        var rollout = await fleet.StartAsync(new { at = "2030-07-02T02:00" });
        async Task<string> RefusedAsync(string deed)
        {
            using var answer = await _server.Admin.PostAsJsonAsync($"api/v1/rollouts/{rollout}/{deed}", new { reason = "x" });
            Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
            return await answer.Content.ReadAsStringAsync();
        }

        Assert.Contains("has not started; nobody got it", await RefusedAsync("return"), StringComparison.Ordinal);
        Assert.Contains("not paused", await RefusedAsync("resume"), StringComparison.Ordinal);
        await fleet.DoAsync(rollout, "pause");
        Assert.Contains("resume it first", await RefusedAsync("advance"), StringComparison.Ordinal);
        await fleet.DoAsync(rollout, "resume");
        Assert.Equal("scheduled", await fleet.StateAsync(rollout));
        await fleet.DoAsync(rollout, "abort");
        await fleet.DoAsync(rollout, "abort");
        Assert.Contains("is over: aborted", await RefusedAsync("resume"), StringComparison.Ordinal);
        Assert.Empty(await fleet.OfferedAsync());
    }
}
