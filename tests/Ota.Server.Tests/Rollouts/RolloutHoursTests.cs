using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

/// <summary>When, how fast and for whom: start, window, rate, filter, steps and channels.</summary>
public class RolloutHoursTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_rollout_starts_at_its_time_in_its_zone()
    {
        var fleet = await AFleet.RunningAsync(_server, 1);
        // The clocks in Berlin jump from 2 to 3 on 31 March 2031.
        AFleet.At(_server, new DateTimeOffset(2031, 3, 30, 0, 0, 0, TimeSpan.Zero));
        var rollout = await fleet.StartAsync(new { at = "2031-03-30T02:30", zone = "Europe/Berlin" });

        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal(("scheduled", 0), (shown.GetProperty("state").GetString(), shown.GetProperty("wave").GetInt32()));
        Assert.Equal(new DateTimeOffset(2031, 3, 30, 1, 0, 0, TimeSpan.Zero), shown.GetProperty("starts").GetDateTimeOffset());
        Assert.Equal(1, shown.GetProperty("held").GetProperty("not-started").GetInt32());
        AFleet.At(_server, new DateTimeOffset(2031, 3, 30, 0, 59, 50, TimeSpan.Zero));
        await fleet.PassAsync();
        await fleet.Devices[0].HeldAsync();
        AFleet.At(_server, new DateTimeOffset(2031, 3, 30, 1, 0, 0, TimeSpan.Zero));
        await fleet.PassAsync();
        await fleet.Devices[0].OfferedAsync();
    }

    [Fact]
    public async Task Devices_begin_in_the_hours_of_the_window_by_the_clock_where_they_stand()
    {
        var fleet = await AFleet.RunningAsync(_server, 3, poll: "10:00 UTC ±60m");
        using var placed = await _server.Admin.PutAsJsonAsync($"api/v1/devices/{fleet.Devices[0].Id}/zone", new { zone = "Australia/Perth" });
        Assert.True(placed.IsSuccessStatusCode);
        // 12:00 UTC is 20:00 in Perth.
        var rollout = await fleet.StartAsync(new { window = "19:30-03:00" });
        Assert.Equal([fleet.Devices[0]], await fleet.OfferedAsync());
        Assert.Equal(2, (await fleet.ShownAsync(rollout)).GetProperty("held").GetProperty("outside-window").GetInt32());

        // Its poll is at ten; it is told to come in the first half of the window.
        using var held = await fleet.Devices[1].CheckInAsync();
        Assert.InRange(held.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromHours(7.45), TimeSpan.FromHours(11.3));
        _server.Time.Ahead += held.Headers.RetryAfter!.Delta!.Value;
        await fleet.Devices[1].OfferedAsync();
    }

    [Fact]
    public async Task So_many_begin_in_a_minute_and_no_more()
    {
        var fleet = await AFleet.RunningAsync(_server, 5);
        await fleet.StartAsync(new { rate = 2 });

        Assert.Equal(fleet.Devices[..2], await fleet.OfferedAsync());
        using var held = await fleet.Devices[2].CheckInAsync();
        Assert.InRange(held.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(11));
        _server.Time.Ahead += TimeSpan.FromSeconds(31);
        Assert.Equal(fleet.Devices[2..3], await fleet.OfferedAsync(fleet.Devices[2..]));
        _server.Time.Ahead += TimeSpan.FromMinutes(1);
        Assert.Equal(fleet.Devices[3..], await fleet.OfferedAsync(fleet.Devices[3..]));
    }

    [Fact]
    public async Task A_device_is_let_in_once_the_filter_takes_it()
    {
        var fleet = await AFleet.RunningAsync(_server, 3);
        var rollout = await fleet.StartAsync(new { where = "rssi > -70 and GROUP = kitchens" });
        async Task GroupAsync(ADevice device, string? group)
        {
            using var answer = await _server.Admin.PutAsJsonAsync($"api/v1/devices/{device.Id}/group", new { group });
            Assert.True(answer.IsSuccessStatusCode);
        }

        foreach (var device in fleet.Devices)
            device.Rssi = -80;
        Assert.Empty(await fleet.OfferedAsync());
        await GroupAsync(fleet.Devices[0], "kitchens");
        await GroupAsync(fleet.Devices[1], "kitchens");
        Assert.Empty(await fleet.OfferedAsync());
        (fleet.Devices[1].Rssi, fleet.Devices[2].Rssi) = (-60, -60);
        Assert.Equal([fleet.Devices[1]], await fleet.OfferedAsync());
        await GroupAsync(fleet.Devices[2], "kitchens");
        Assert.Equal([fleet.Devices[2]], await fleet.OfferedAsync([fleet.Devices[2]]));
        var shown = await fleet.ShownAsync(rollout);
        Assert.Equal(("rssi > -70 and group = kitchens", 2), (shown.GetProperty("where").GetString(), shown.GetProperty("devices").GetInt32()));
    }

    [Fact]
    public async Task A_release_to_pass_through_comes_first_and_takes_the_same_place()
    {
        var fleet = await AFleet.RunningAsync(_server, 4);
        using var step = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/releases/1.1.0/step", new { required = true });
        Assert.True(step.IsSuccessStatusCode, await step.Content.ReadAsStringAsync());
        var rollout = await fleet.StartAsync(new { waves = new[] { "2", "rest" }, advance = "confirmed >= 100%" }, "1.2.0");
        Assert.Equal(4, (await fleet.ShownAsync(rollout)).GetProperty("held").GetProperty("needs-step").GetInt32());

        var first = await fleet.OfferedAsync();
        Assert.Equal(2, first.Length);
        foreach (var device in first)
        {
            var order = await device.OfferedAsync();
            (device.LastOrder, device.Running, device.Release) = (order.GetProperty("number").GetInt64(), "1.1.0", order.GetProperty("release").GetString());
        }

        // They have their place, though the wave has none left.
        await fleet.PassAsync();
        Assert.Equal(1, await fleet.WaveAsync(rollout));
        await _server.RestartAsync();
        Assert.Equal(first, await fleet.OfferedAsync());
        await AFleet.InstallAsync(first, "1.2.0");
        await fleet.PassAsync();
        Assert.Equal(2, await fleet.WaveAsync(rollout));
        Assert.Equal(["target", "step"], (await first[0].ShownAsync()).GetProperty("deployments").EnumerateArray().Take(2)
            .Select(deployment => deployment.GetProperty("purpose").GetString()));
    }

    [Fact]
    public async Task The_newest_release_of_a_followed_channel_starts_one_rollout_by_itself()
    {
        var fleet = await AFleet.RunningAsync(_server, 2);
        using var followed = await _server.Admin.PutAsJsonAsync(
            "api/v1/products/kettle/follow", new { follow = new { channel = "stable", waves = new[] { "1", "rest" }, advance = (string?)null } });
        Assert.True(followed.IsSuccessStatusCode, await followed.Content.ReadAsStringAsync());
        await fleet.PassAsync();
        // What was there before is left alone.
        Assert.Empty(await fleet.OfferedAsync());

        await _server.UploadedAsync(ABuild.Of("1.3.0", "third"));
        await _server.UploadedAsync(ABuild.Of("1.2.5", "older"));
        await fleet.PassAsync();
        await fleet.PassAsync();
        Assert.Single(await fleet.OfferedAsync());
        var rollouts = (await _server.GetAsync("api/v1/rollouts")).EnumerateArray().ToArray();
        Assert.Equal(("1.3.0", "channel stable"), (rollouts[0].GetProperty("version").GetString(), rollouts[0].GetProperty("createdBy").GetString()));
        await fleet.DoAsync(rollouts[0].GetProperty("id").GetInt64(), "abort");
        await _server.RestartAsync();
        await fleet.PassAsync();
        Assert.Equal(rollouts.Length, (await _server.GetAsync("api/v1/rollouts")).GetArrayLength());
        using var none = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/follow", new { follow = (object?)null });
        Assert.Equal(JsonValueKind.Null, (await none.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("follow").ValueKind);
    }

    [Fact]
    public async Task A_recovery_goes_before_a_rollout_and_a_later_rollout_before_an_earlier()
    {
        var fleet = await AFleet.RunningAsync(_server, 1);
        var rescue = ABuild.Of("9.0.0", "recovery");
        await _server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        var rollout = await fleet.StartAsync(new { });
        await _server.PostAsync($"api/v1/devices/{fleet.Devices[0].Id}/recover", new { reason = "new router" });
        Assert.Equal("recover", (await fleet.Devices[0].OfferedAsync()).GetProperty("action").GetString());
        // The recovery is the later instruction.
        Assert.Empty((await fleet.ShownAsync(rollout)).GetProperty("held").EnumerateObject());
        var later = await fleet.StartAsync(new { }, "1.2.0");
        Assert.Equal(1, (await fleet.ShownAsync(later)).GetProperty("held").GetProperty("other-deployment").GetInt32());
        Assert.Equal("recover", (await fleet.Devices[0].OfferedAsync()).GetProperty("action").GetString());
    }

    [Fact]
    public async Task A_plan_says_what_would_happen_and_changes_nothing()
    {
        var fleet = await AFleet.RunningAsync(_server, 10);
        fleet.Devices[0].SecurityCounter = 3;
        await fleet.Devices[0].HeldAsync();
        var before = (await _server.GetAsync("api/v1/rollouts")).GetArrayLength();

        var plan = await _server.PostAsync("api/v1/rollouts/plan", new { product = "kettle", version = "1.1.0", waves = new[] { "3", "rest" } });

        Assert.Equal(10, plan.GetProperty("devices").GetInt32());
        Assert.Equal([3, 7], plan.GetProperty("waves").EnumerateArray().Select(wave => wave.GetProperty("devices").GetInt32()));
        Assert.Equal(1, plan.GetProperty("held").GetProperty("below-floor").GetInt32());
        Assert.Contains("soaks for less", plan.GetProperty("warnings")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(before, (await _server.GetAsync("api/v1/rollouts")).GetArrayLength());
        Assert.Empty(await fleet.OfferedAsync());

        // By shares it names the very devices, as long as nothing was ordered in between.
        object shares = new { product = "kettle", version = "1.1.0", waves = new[] { "50%", "100%" } };
        var planned = (await _server.PostAsync("api/v1/rollouts/plan", shares)).GetProperty("waves")[0].GetProperty("devices").GetInt32();
        await _server.PostAsync("api/v1/rollouts", shares);
        Assert.Equal(planned - (await fleet.OfferedAsync()).Length, planned - (await fleet.OfferedAsync()).Length);
    }

    [Theory]
    [InlineData("""{"waves":["10%","5%"]}""", "waves[1] '5%' is not more than '10%' before it")]
    [InlineData("""{"waves":["10%","50"]}""", "all shares or all numbers")]
    [InlineData("""{"waves":["rest","50"]}""", "waves[0]: rest comes last")]
    [InlineData("""{"waves":["0%"]}""", "waves[0] '0%' is neither")]
    [InlineData("""{"waves":[]}""", "waves are 1 to 20")]
    [InlineData("""{"where":"rssi > weak"}""", "rssi is a number in dBm")]
    [InlineData("""{"window":"25:00-26:00"}""", "not like 01:00-05:00")]
    [InlineData("""{"window":"01:00-01:00"}""", "is empty")]
    [InlineData("""{"rate":0}""", "rate is 1 to")]
    [InlineData("""{"deadline":5}""", "deadline is 60 to")]
    [InlineData("""{"onStop":"panic"}""", "onStop is pause or return")]
    [InlineData("""{"advance":"confirmed > 95% or soaked 1h"}""", "conditions are joined by 'and'")]
    [InlineData("""{"advance":"confirmed > 101%"}""", "a share is 0% to 100%")]
    [InlineData("""{"advance":"soaked 1 week"}""", "a duration like 90s")]
    [InlineData("""{"advance":5}""", "advance and stop are texts, or null")]
    [InlineData("""{"stop":"failed+broken > 2%"}""", "one of failed, refused, reverted, silent, alerts is counted")]
    [InlineData("""{"stop":"failed > 2.5"}""", "a number of devices is whole")]
    [InlineData("""{"at":"tomorrow"}""", "is not a local time like")]
    [InlineData("""{"at":"2020-01-01T00:00"}""", "which is past")]
    [InlineData("""{"at":"2030-12-01T00:00","zone":"Mars/Olympus"}""", "There is no time zone 'Mars/Olympus'")]
    public async Task What_cannot_be_read_is_refused_with_what_and_where(string more, string sentence)
    {
        await AFleet.RunningAsync(_server, 0);
        var body = System.Text.Json.Nodes.JsonNode.Parse(more)!.AsObject();
        (body["product"], body["version"]) = ("kettle", "1.1.0");
        foreach (var path in new[] { "api/v1/rollouts", "api/v1/rollouts/plan" })
        {
            using var answer = await _server.Admin.PostAsJsonAsync(path, body);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(
                sentence, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }
}
