using System.Net;
using System.Net.Http.Json;
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
}
