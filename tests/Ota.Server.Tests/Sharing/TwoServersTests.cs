using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Sharing;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>What one of two servers on one database heard or was told, the other knows.</summary>
public sealed class TwoServersTests : OnTwoServers
{
    [Fact]
    public async Task A_device_that_enrolled_at_one_checks_in_at_the_other_at_once()
    {
        for (var i = 0; i < 20; i++)
        {
            var device = await ADevice.EnrollAsync(One, EnrollmentKey, $"02:00:00:00:01:{i:x2}");
            await device.At(Two).HeldAsync();
        }
    }

    [Fact]
    public async Task Hardware_that_asks_both_for_an_identity_gets_one()
    {
        for (var i = 0; i < 20; i++)
        {
            var hardwareId = $"02:00:00:00:02:{i:x2}";
            var both = await Task.WhenAll(
                ADevice.EnrollAsync(One, EnrollmentKey, hardwareId), ADevice.EnrollAsync(Two, EnrollmentKey, hardwareId));
            Assert.Equal(both[0].Id, both[1].Id);
            Assert.Equal(both[0].Token, both[1].Token);
        }
    }

    [Fact]
    public async Task A_restart_that_one_was_told_is_no_news_to_the_other()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        await device.HeldAsync();
        var there = device.At(Two);
        await there.HeldAsync();
        there.Starts = device.Starts = 2;
        there.Cause = device.Cause = "crash";
        for (var i = 0; i < 5; i++)
        {
            await device.HeldAsync();
            await there.HeldAsync();
        }

        Assert.Single((await device.ShownAsync()).GetProperty("timeline").EnumerateArray(), entry => entry.GetProperty("kind").GetString() == "restarted");
    }

    [Fact]
    public async Task What_both_hear_within_one_millisecond_is_told_once()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        await device.HeldAsync();
        var there = device.At(Two);
        await there.HeldAsync();
        var now = DateTimeOffset.FromUnixTimeMilliseconds(One.Time.GetUtcNow().ToUnixTimeMilliseconds() + 1000).AddMicroseconds(500);
        (One.Time.Still, Two.Time.Still) = (now, now);
        await there.HeldAsync();
        there.Starts = device.Starts = 2;
        for (var i = 0; i < 3; i++)
        {
            await device.HeldAsync();
            await there.HeldAsync();
        }

        Assert.Single((await device.ShownAsync()).GetProperty("timeline").EnumerateArray(), entry => entry.GetProperty("kind").GetString() == "restarted");
    }

    [Fact]
    public async Task Staff_groups_and_keys_agree_within_a_second()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        await SeenAsync(() => FoundAsync(Two, "api/v1/devices/" + device.Id));
        using var support = await One.AsAsync("support");
        using var there = Two.With(support.DefaultRequestHeaders.Authorization!.Parameter!);
        await SeenAsync(async () =>
        {
            using var answer = await there.PutAsJsonAsync($"api/v1/devices/{device.Id}/group", new { group = "kitchens" });
            return answer.IsSuccessStatusCode;
        });
        await SeenAsync(async () => (await device.ShownAsync()).GetProperty("group").GetString() == "kitchens");

        var id = (await One.GetAsync("api/v1/staff")).EnumerateArray().Single(key => key.GetProperty("role").GetString() == "support").GetProperty("id").GetString();
        await One.PostAsync($"api/v1/staff/{id}/revoke", new { });
        await SeenAsync(async () =>
        {
            using var answer = await there.GetAsync("api/v1/whoami");
            return answer.StatusCode == HttpStatusCode.Unauthorized;
        });
    }

    [Fact]
    public async Task When_and_how_well_a_device_was_heard_at_one_is_shown_by_the_other()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        await device.HeldAsync();
        device.Rssi = -77;
        await device.HeldAsync();

        await SeenAsync(async () => (await Two.GetAsync("api/v1/devices/" + device.Id)).GetProperty("rssi").ToString() == "-77");
    }

    [Fact]
    public async Task A_pin_that_is_written_at_one_reaches_a_device_and_an_app_that_wait_at_the_other_within_a_second()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        var there = device.At(Two);
        await there.HeldAsync();
        for (var i = 0; i < 5; i++)
        {
            var seq = (await Two.GetAsync($"api/v1/devices/{device.Id}/pins")).GetProperty("seq").GetInt64();
            var waiting = there.GetAsync($"agent/v1/pins?after={seq}&wait=30");
            var watching = Two.GetAsync($"api/v1/devices/{device.Id}/pins?after={seq}&wait=30");
            await One.SetPinAsync(device, "5", $"{i}");
            var written = Stopwatch.StartNew();

            using var told = await waiting;
            Assert.Equal(HttpStatusCode.OK, told.StatusCode);
            var write = Assert.Single((await told.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("writes").EnumerateArray());
            Assert.Equal($"{i}", write.GetProperty("value").GetString());
            await watching;
            // And not when its time to wait is over.
            Assert.InRange(written.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    public async Task A_device_that_is_told_at_one_to_check_in_and_does_at_the_other_is_up_to_date_at_both()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        await device.HeldAsync();
        await SeenAsync(async () => await StatusAsync(Two, device) == "up-to-date");
        for (var i = 0; i < 5; i++)
        {
            await Two.SetPinAsync(device, "check-now", "1");
            using (var told = await device.GetAsync("agent/v1/pins?wait=10"))
                Assert.Equal(HttpStatusCode.OK, told.StatusCode);
            await device.At(i % 2 == 0 ? Two : One).HeldAsync();
            await SeenAsync(async () => await StatusAsync(One, device) == "up-to-date");
        }
    }

    [Fact]
    public async Task A_crash_loop_that_both_hear_a_part_of_is_one_alert()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        var there = device.At(Two);
        await device.HeldAsync();
        foreach (var (server, starts) in new[] { (there, 2), (device, 3), (there, 4), (device, 5) })
        {
            server.Starts = starts;
            server.Cause = "crash";
            server.Uptime = 5;
            await server.HeldAsync();
            await Task.Delay(20);
        }

        await SeenAsync(async () => (await Two.GetAsync("api/v1/alerts?open=true")).GetArrayLength() == 1);
        Assert.Equal("crash-loop", (await One.GetAsync("api/v1/alerts"))[0].GetProperty("kind").GetString());
    }

    [Fact]
    public async Task One_of_them_has_the_duty_and_the_other_takes_it_over_when_that_one_ends()
    {
        var (first, second) = (One.App.Services.GetRequiredService<Duty>(), Two.App.Services.GetRequiredService<Duty>());
        Assert.True(first.IsMine);
        Assert.False(second.IsMine);

        await One.StoppedAsync(() => Assert.True(SpinWait.SpinUntil(() => second.IsMine, TimeSpan.FromSeconds(15))));

        Assert.False(One.App.Services.GetRequiredService<Duty>().IsMine);
    }

    [Fact]
    public async Task A_server_with_another_master_secret_does_not_start_on_the_database()
    {
        var stranger = await Assert.ThrowsAsync<Settings.SettingFault>(() => RunningServer.StrangerAsync(One));

        Assert.Contains("not the one that the database's devices have their secrets from", stranger.Message, StringComparison.Ordinal);
    }

    private static async Task<string?> StatusAsync(RunningServer server, ADevice device)
    {
        using var answer = await server.Admin.GetAsync($"api/v1/devices/{device.Id}/pins/status");
        return answer.IsSuccessStatusCode ? (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("value").GetString() : null;
    }
}
