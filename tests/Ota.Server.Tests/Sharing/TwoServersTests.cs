using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Sharing;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>Two servers behind a balancer, on one PostgreSQL: a device, and staff, may meet either at any moment.</summary>
public sealed class TwoServersTests : IAsyncLifetime
{
    private RunningServer _one = null!;
    private RunningServer _two = null!;
    private string _enrollmentKey = "";

    public async ValueTask InitializeAsync()
    {
        _one = await RunningServer.OnPostgreSqlAsync();
        _two = await RunningServer.OnPostgreSqlAsync(_one);
        _enrollmentKey = await _one.AddProductAsync();
        await SeenAsync(() => FoundAsync(_two, "api/v1/products/kettle"));
    }

    public async ValueTask DisposeAsync()
    {
        await _two.DisposeAsync();
        await _one.DisposeAsync();
    }

    [Fact]
    public async Task A_device_that_enrolled_at_one_checks_in_at_the_other_at_once()
    {
        for (var i = 0; i < 20; i++)
        {
            var device = await ADevice.EnrollAsync(_one, _enrollmentKey, $"02:00:00:00:01:{i:x2}");
            await device.At(_two).HeldAsync();
        }
    }

    [Fact]
    public async Task Hardware_that_asks_both_for_an_identity_gets_one()
    {
        for (var i = 0; i < 20; i++)
        {
            var hardwareId = $"02:00:00:00:02:{i:x2}";
            var both = await Task.WhenAll(
                ADevice.EnrollAsync(_one, _enrollmentKey, hardwareId), ADevice.EnrollAsync(_two, _enrollmentKey, hardwareId));
            Assert.Equal(both[0].Id, both[1].Id);
            Assert.Equal(both[0].Token, both[1].Token);
        }
    }

    [Fact]
    public async Task What_is_ordered_at_one_is_offered_at_the_other_within_a_second_and_ends_where_it_is_reported()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        await device.HeldAsync();
        await _one.UploadedAsync(ABuild.Of("1.0.0"));
        await _one.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        var there = device.At(_two);
        await SeenAsync(async () =>
        {
            using var answer = await there.CheckInAsync();
            return answer.StatusCode == HttpStatusCode.OK;
        });

        // The same order again, wherever it asks.
        var order = await device.OfferedAsync();
        Assert.Equal(order.ToString(), (await there.OfferedAsync()).ToString());
        there.LastOrder = order.GetProperty("number").GetInt64();
        there.Running = "1.0.0";
        there.Release = order.GetProperty("release").GetString();
        await there.HeldAsync();

        await there.At(_one).HeldAsync();
        await SeenAsync(async () => await device.StateAsync() == "confirmed");
        Assert.Single((await device.ShownAsync()).GetProperty("timeline").EnumerateArray(), entry => entry.GetProperty("kind").GetString() == "offered");
    }

    [Fact]
    public async Task Devices_that_ask_both_at_the_same_moment_are_ordered_once()
    {
        await _one.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 60; i++)
            devices.Add(await ADevice.EnrollAsync(_one, _enrollmentKey, $"02:00:00:00:03:{i:x2}"));
        await _one.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await SeenAsync(async () => (await _two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);

        await Parallel.ForEachAsync(devices, async (device, _) =>
        {
            using var first = await device.CheckInAsync();
            Assert.True(first.IsSuccessStatusCode);
        });
        await Parallel.ForEachAsync(devices.SelectMany(device => new[] { device, device.At(_two), device, device.At(_two) }), async (device, _) =>
        {
            using var answer = await device.CheckInAsync();
            Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        });

        var database = _one.App.Services.GetRequiredService<Database>();
        Assert.Equal((60, 60, 60L), database.Read(connection => (
            connection.ExecuteScalar<int>("SELECT count(*) FROM deployments"),
            connection.ExecuteScalar<int>("SELECT count(*) FROM orders"),
            connection.ExecuteScalar<long>("SELECT count(*) FROM timeline WHERE kind = 'offered'"))));
    }

    [Fact]
    public async Task A_restart_that_one_was_told_is_no_news_to_the_other()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        await device.HeldAsync();
        var there = device.At(_two);
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
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        await device.HeldAsync();
        var there = device.At(_two);
        await there.HeldAsync();
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_one.Time.GetUtcNow().ToUnixTimeMilliseconds() + 1000).AddMicroseconds(500);
        (_one.Time.Still, _two.Time.Still) = (now, now);
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
    public async Task A_wave_that_one_opens_the_other_honours_and_both_together_let_in_no_more_than_it_has_places()
    {
        await _one.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 40; i++)
        {
            devices.Add(await ADevice.EnrollAsync(_one, _enrollmentKey, $"02:00:00:00:06:{i:x2}"));
            await devices[i].HeldAsync();
        }

        var rollout = (await _one.PostAsync("api/v1/rollouts", new
        {
            product = "kettle", version = "1.0.0", waves = new[] { "5", "15", "rest" }, advance = "confirmed >= 100%",
        })).GetProperty("id").GetInt64();
        await SeenAsync(async () => (await _two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);

        // Each device asks one of them, all at the same moment.
        async Task<ADevice[]> OfferedAsync()
        {
            var offered = new System.Collections.Concurrent.ConcurrentBag<ADevice>();
            await Parallel.ForEachAsync(Enumerable.Range(0, devices.Count), async (i, _) =>
            {
                var device = i % 2 == 0 ? devices[i] : devices[i].At(_two);
                using var answer = await device.CheckInAsync();
                if (answer.StatusCode == HttpStatusCode.OK)
                    offered.Add(device);
                else
                    Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            });
            return [.. offered];
        }

        async Task InstallAsync(IEnumerable<ADevice> offered)
        {
            foreach (var device in offered)
            {
                await device.InstallAsync("1.0.0");
                var i = devices.FindIndex(one => one.Id == device.Id);
                devices[i] = device.At(_one);
            }
        }

        var first = await OfferedAsync();
        Assert.Equal(5, first.Length);
        await InstallAsync(first);
        // Whichever does it for both, and both at once: one wave is opened.
        var clocks = new[] { _one, _two }.Select(server => server.App.Services.GetRequiredService<Ota.Server.Rollouts.RolloutClock>()).ToArray();
        await Task.WhenAll(clocks.Select(clock => clock.TickAsync(_one.Time.GetUtcNow(), CancellationToken.None)));
        await SeenAsync(async () =>
        {
            var seen = await Task.WhenAll(new[] { _one, _two }.Select(server => server.GetAsync($"api/v1/rollouts/{rollout}")));
            return seen.All(shown => shown.GetProperty("wave").GetInt32() == 2);
        });

        var second = await OfferedAsync();
        Assert.Equal(10, second.Length);
        Assert.Empty(second.Select(device => device.Id).Intersect(first.Select(device => device.Id)));
        await _two.PostAsync($"api/v1/rollouts/{rollout}/pause", new { });
        await SeenAsync(async () => (await OfferedAsync()).Length == 0);
        var opened = _one.App.Services.GetRequiredService<Database>().Read(connection =>
            connection.Query<long>("SELECT wave FROM rollout_waves ORDER BY wave").ToArray());
        Assert.Equal([1L, 2L], opened);
    }

    [Fact]
    public async Task So_many_begin_in_a_minute_at_both_together()
    {
        await _one.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 8; i++)
        {
            devices.Add(await ADevice.EnrollAsync(_one, _enrollmentKey, $"02:00:00:00:07:{i:x2}"));
            await devices[i].HeldAsync();
        }

        await _one.PostAsync("api/v1/rollouts", new { product = "kettle", version = "1.0.0", rate = 3 });
        await SeenAsync(async () => (await _two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);
        var offered = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, devices.Count), async (i, _) =>
        {
            using var answer = await (i % 2 == 0 ? devices[i] : devices[i].At(_two)).CheckInAsync();
            Interlocked.Add(ref offered, answer.StatusCode == HttpStatusCode.OK ? 1 : 0);
        });

        Assert.Equal(3, offered);
    }

    [Fact]
    public async Task Two_people_who_recover_one_unit_at_two_servers_get_one_recovery()
    {
        var rescue = ABuild.Of("9.0.0", "recovery");
        await _one.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await SeenAsync(() => FoundAsync(_two, "api/v1/products/kettle/releases/9.0.0"));
        for (var i = 0; i < 5; i++)
        {
            var device = await ADevice.EnrollAsync(_one, _enrollmentKey, $"02:00:00:00:04:{i:x2}");
            await device.HeldAsync();
            await device.At(_two).HeldAsync();
            var recoveries = await Task.WhenAll(((RunningServer[])[_one, _two]).Select(server =>
                server.PostAsync($"api/v1/devices/{device.Id}/recover", new { reason = "new router", yesReally = true })));
            Assert.Equal(recoveries[0].GetProperty("id").GetInt64(), recoveries[1].GetProperty("id").GetInt64());
        }
    }

    [Fact]
    public async Task What_both_find_to_be_over_its_time_at_once_ends_once_and_stops_neither()
    {
        var rescue = ABuild.Of("9.0.0", "recovery");
        await _one.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        for (var i = 0; i < 40; i++)
        {
            var device = await ADevice.EnrollAsync(_one, _enrollmentKey, $"02:00:00:00:07:{i:x2}");
            await device.HeldAsync();
            await _one.PostAsync($"api/v1/devices/{device.Id}/recover", new { reason = "new router", expiresIn = 60, yesReally = true });
        }

        var database = _one.App.Services.GetRequiredService<Database>();
        var fleet = _two.App.Services.GetRequiredService<Fleet>();
        await SeenAsync(() => Task.FromResult(fleet.All.Count(device => device.Open is not null) == 40));
        _one.Time.Ahead = _two.Time.Ahead = TimeSpan.FromMinutes(2);
        await Task.WhenAll(((RunningServer[])[_one, _two]).Select(server =>
            Task.Run(() => server.App.Services.GetRequiredService<DeploymentDesk>().ExpireAsync(TestContext.Current.CancellationToken))));

        Assert.Equal((40L, 40L), database.Read(connection => (
            connection.ExecuteScalar<long>("SELECT count(*) FROM deployments WHERE state = 'expired'"),
            connection.ExecuteScalar<long>("SELECT count(*) FROM timeline WHERE kind = 'expired'"))));
    }

    [Fact]
    public async Task A_withdrawn_release_is_not_offered_by_the_other_even_in_that_second()
    {
        await _one.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 10; i++)
            devices.Add(await ADevice.EnrollAsync(_two, _enrollmentKey, $"02:00:00:00:05:{i:x2}"));
        await _one.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await SeenAsync(async () => (await _two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);

        await _one.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { });
        foreach (var device in devices)
            await device.HeldAsync();
    }

    [Fact]
    public async Task Staff_groups_and_keys_agree_within_a_second()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        await SeenAsync(() => FoundAsync(_two, "api/v1/devices/" + device.Id));
        using var support = await _one.AsAsync("support");
        using var there = _two.With(support.DefaultRequestHeaders.Authorization!.Parameter!);
        await SeenAsync(async () =>
        {
            using var answer = await there.PutAsJsonAsync($"api/v1/devices/{device.Id}/group", new { group = "kitchens" });
            return answer.IsSuccessStatusCode;
        });
        await SeenAsync(async () => (await device.ShownAsync()).GetProperty("group").GetString() == "kitchens");

        var id = (await _one.GetAsync("api/v1/staff")).EnumerateArray().Single(key => key.GetProperty("role").GetString() == "support").GetProperty("id").GetString();
        await _one.PostAsync($"api/v1/staff/{id}/revoke", new { });
        await SeenAsync(async () =>
        {
            using var answer = await there.GetAsync("api/v1/whoami");
            return answer.StatusCode == HttpStatusCode.Unauthorized;
        });
    }

    [Fact]
    public async Task When_and_how_well_a_device_was_heard_at_one_is_shown_by_the_other()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        await device.HeldAsync();
        device.Rssi = -77;
        await device.HeldAsync();

        await SeenAsync(async () => (await _two.GetAsync("api/v1/devices/" + device.Id)).GetProperty("rssi").ToString() == "-77");
    }

    [Fact]
    public async Task A_pin_that_is_written_at_one_reaches_a_device_and_an_app_that_wait_at_the_other_within_a_second()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        var there = device.At(_two);
        await there.HeldAsync();
        for (var i = 0; i < 5; i++)
        {
            var seq = (await _two.GetAsync($"api/v1/devices/{device.Id}/pins")).GetProperty("seq").GetInt64();
            var waiting = there.GetAsync($"agent/v1/pins?after={seq}&wait=30");
            var watching = _two.GetAsync($"api/v1/devices/{device.Id}/pins?after={seq}&wait=30");
            await _one.SetPinAsync(device, "5", $"{i}");
            var written = Stopwatch.StartNew();

            using var told = await waiting;
            Assert.Equal(HttpStatusCode.OK, told.StatusCode);
            var write = Assert.Single((await told.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("writes").EnumerateArray());
            Assert.Equal($"{i}", write.GetProperty("value").GetString());
            await watching;
            Assert.InRange(written.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public async Task A_device_that_is_told_at_one_to_check_in_and_does_at_the_other_is_up_to_date_at_both()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        await device.HeldAsync();
        await SeenAsync(async () => await StatusAsync(_two, device) == "up-to-date");
        for (var i = 0; i < 5; i++)
        {
            await _two.SetPinAsync(device, "check-now", "1");
            using (var told = await device.GetAsync("agent/v1/pins?wait=10"))
                Assert.Equal(HttpStatusCode.OK, told.StatusCode);
            await device.At(i % 2 == 0 ? _two : _one).HeldAsync();
            await SeenAsync(async () => await StatusAsync(_one, device) == "up-to-date");
        }
    }

    [Fact]
    public async Task A_crash_loop_that_both_hear_a_part_of_is_one_alert()
    {
        var device = await ADevice.EnrollAsync(_one, _enrollmentKey);
        var there = device.At(_two);
        await device.HeldAsync();
        foreach (var (server, starts) in new[] { (there, 2), (device, 3), (there, 4), (device, 5) })
        {
            server.Starts = starts;
            server.Cause = "crash";
            server.Uptime = 5;
            await server.HeldAsync();
            await Task.Delay(20);
        }

        await SeenAsync(async () => (await _two.GetAsync("api/v1/alerts?open=true")).GetArrayLength() == 1, seconds: 10);
        Assert.Equal("crash-loop", (await _one.GetAsync("api/v1/alerts"))[0].GetProperty("kind").GetString());
    }

    [Fact]
    public async Task One_of_them_has_the_duty_and_the_other_takes_it_over_when_that_one_ends()
    {
        var (first, second) = (_one.App.Services.GetRequiredService<Duty>(), _two.App.Services.GetRequiredService<Duty>());
        Assert.True(first.IsMine);
        Assert.False(second.IsMine);

        await _one.StoppedAsync(() => Assert.True(SpinWait.SpinUntil(() => second.IsMine, TimeSpan.FromSeconds(15))));

        Assert.False(_one.App.Services.GetRequiredService<Duty>().IsMine);
    }

    [Fact]
    public async Task A_server_with_another_master_secret_does_not_start_on_the_database()
    {
        var stranger = await Assert.ThrowsAsync<Settings.SettingFault>(() => RunningServer.StrangerAsync(_one));

        Assert.Contains("not the one that the database's devices have their secrets from", stranger.Message, StringComparison.Ordinal);
    }

    private static async Task<string?> StatusAsync(RunningServer server, ADevice device)
    {
        using var answer = await server.Admin.GetAsync($"api/v1/devices/{device.Id}/pins/status");
        return answer.IsSuccessStatusCode ? (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("value").GetString() : null;
    }

    private static async Task<bool> FoundAsync(RunningServer server, string path)
    {
        using var answer = await server.Admin.GetAsync(path);
        return answer.IsSuccessStatusCode;
    }

    // Servers agree within a second; the machine that runs the tests may be busy.
    private static async Task SeenAsync(Func<Task<bool>> isSeen, int seconds = 5)
    {
        var waited = Stopwatch.StartNew();
        while (!await isSeen())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(seconds), $"not seen within {seconds} s");
            await Task.Delay(20);
        }
    }
}
