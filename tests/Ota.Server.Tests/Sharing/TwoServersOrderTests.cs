using System.Net;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>What two servers on one database order: no device gets two orders, and no wave more than its share.</summary>
public sealed class TwoServersOrderTests : OnTwoServers
{
    [Fact]
    public async Task What_is_ordered_at_one_is_offered_at_the_other_within_a_second_and_ends_where_it_is_reported()
    {
        var device = await ADevice.EnrollAsync(One, EnrollmentKey);
        await device.HeldAsync();
        await One.UploadedAsync(ABuild.Of("1.0.0"));
        await One.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        var there = device.At(Two);
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

        await there.At(One).HeldAsync();
        await SeenAsync(async () => await device.StateAsync() == "confirmed");
        Assert.Single((await device.ShownAsync()).GetProperty("timeline").EnumerateArray(), entry => entry.GetProperty("kind").GetString() == "offered");
    }

    [Fact]
    public async Task Devices_that_ask_both_at_the_same_moment_are_ordered_once()
    {
        await One.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 60; i++)
            devices.Add(await ADevice.EnrollAsync(One, EnrollmentKey, $"02:00:00:00:03:{i:x2}"));
        await One.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await SeenAsync(async () => (await Two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);

        await Parallel.ForEachAsync(devices, async (device, _) =>
        {
            using var first = await device.CheckInAsync();
            Assert.True(first.IsSuccessStatusCode);
        });
        await Parallel.ForEachAsync(devices.SelectMany(device => new[] { device, device.At(Two), device, device.At(Two) }), async (device, _) =>
        {
            using var answer = await device.CheckInAsync();
            Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        });

        var database = One.App.Services.GetRequiredService<Database>();
        Assert.Equal((60, 60, 60L), database.Read(connection => (
            connection.ExecuteScalar<int>("SELECT count(*) FROM deployments"),
            connection.ExecuteScalar<int>("SELECT count(*) FROM orders"),
            connection.ExecuteScalar<long>("SELECT count(*) FROM timeline WHERE kind = 'offered'"))));
    }

    [Fact]
    public async Task A_wave_that_one_opens_the_other_honours_and_both_together_let_in_no_more_than_it_has_places()
    {
        await One.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 40; i++)
        {
            devices.Add(await ADevice.EnrollAsync(One, EnrollmentKey, $"02:00:00:00:06:{i:x2}"));
            await devices[i].HeldAsync();
        }

        var rollout = (await One.PostAsync("api/v1/rollouts", new
        {
            product = "kettle", version = "1.0.0", waves = new[] { "5", "15", "rest" }, advance = "confirmed >= 100%",
        })).GetProperty("id").GetInt64();
        await SeenAsync(async () => (await Two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);

        // Each device asks one of them, all at the same moment.
        async Task<ADevice[]> OfferedAsync()
        {
            var offered = new System.Collections.Concurrent.ConcurrentBag<ADevice>();
            await Parallel.ForEachAsync(Enumerable.Range(0, devices.Count), async (i, _) =>
            {
                var device = i % 2 == 0 ? devices[i] : devices[i].At(Two);
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
                devices[i] = device.At(One);
            }
        }

        var first = await OfferedAsync();
        Assert.Equal(5, first.Length);
        await InstallAsync(first);
        // Whichever does it for both, and both at once: one wave is opened.
        var clocks = new[] { One, Two }.Select(server => server.App.Services.GetRequiredService<Ota.Server.Rollouts.RolloutClock>()).ToArray();
        await Task.WhenAll(clocks.Select(clock => clock.TickAsync(One.Time.GetUtcNow(), CancellationToken.None)));
        await SeenAsync(async () =>
        {
            var seen = await Task.WhenAll(new[] { One, Two }.Select(server => server.GetAsync($"api/v1/rollouts/{rollout}")));
            return seen.All(shown => shown.GetProperty("wave").GetInt32() == 2);
        });

        var second = await OfferedAsync();
        Assert.Equal(10, second.Length);
        Assert.Empty(second.Select(device => device.Id).Intersect(first.Select(device => device.Id)));
        await Two.PostAsync($"api/v1/rollouts/{rollout}/pause", new { });
        await SeenAsync(async () => (await OfferedAsync()).Length == 0);
        var opened = One.App.Services.GetRequiredService<Database>().Read(connection =>
            connection.Query<long>("SELECT wave FROM rollout_waves ORDER BY wave").ToArray());
        Assert.Equal([1L, 2L], opened);
    }

    [Fact]
    public async Task So_many_begin_in_a_minute_at_both_together()
    {
        await One.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 8; i++)
        {
            devices.Add(await ADevice.EnrollAsync(One, EnrollmentKey, $"02:00:00:00:07:{i:x2}"));
            await devices[i].HeldAsync();
        }

        await One.PostAsync("api/v1/rollouts", new { product = "kettle", version = "1.0.0", rate = 3 });
        await SeenAsync(async () => (await Two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);
        var offered = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, devices.Count), async (i, _) =>
        {
            using var answer = await (i % 2 == 0 ? devices[i] : devices[i].At(Two)).CheckInAsync();
            Interlocked.Add(ref offered, answer.StatusCode == HttpStatusCode.OK ? 1 : 0);
        });

        Assert.Equal(3, offered);
    }

    [Fact]
    public async Task Two_people_who_recover_one_unit_at_two_servers_get_one_recovery()
    {
        var rescue = ABuild.Of("9.0.0", "recovery");
        await One.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await SeenAsync(() => FoundAsync(Two, "api/v1/products/kettle/releases/9.0.0"));
        for (var i = 0; i < 5; i++)
        {
            var device = await ADevice.EnrollAsync(One, EnrollmentKey, $"02:00:00:00:04:{i:x2}");
            await device.HeldAsync();
            await device.At(Two).HeldAsync();
            var recoveries = await Task.WhenAll(((RunningServer[])[One, Two]).Select(server =>
                server.PostAsync($"api/v1/devices/{device.Id}/recover", new { reason = "new router", yesReally = true })));
            Assert.Equal(recoveries[0].GetProperty("id").GetInt64(), recoveries[1].GetProperty("id").GetInt64());
        }
    }

    [Fact]
    public async Task What_both_find_to_be_over_its_time_at_once_ends_once_and_stops_neither()
    {
        var rescue = ABuild.Of("9.0.0", "recovery");
        await One.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        for (var i = 0; i < 40; i++)
        {
            var device = await ADevice.EnrollAsync(One, EnrollmentKey, $"02:00:00:00:07:{i:x2}");
            await device.HeldAsync();
            await One.PostAsync($"api/v1/devices/{device.Id}/recover", new { reason = "new router", expiresIn = 60, yesReally = true });
        }

        var database = One.App.Services.GetRequiredService<Database>();
        var fleet = Two.App.Services.GetRequiredService<Fleet>();
        await SeenAsync(() => Task.FromResult(fleet.All.Count(device => device.Open is not null) == 40));
        One.Time.Ahead = Two.Time.Ahead = TimeSpan.FromMinutes(2);
        await Task.WhenAll(((RunningServer[])[One, Two]).Select(server =>
            Task.Run(() => server.App.Services.GetRequiredService<DeploymentDesk>().ExpireAsync(TestContext.Current.CancellationToken))));

        Assert.Equal((40L, 40L), database.Read(connection => (
            connection.ExecuteScalar<long>("SELECT count(*) FROM deployments WHERE state = 'expired'"),
            connection.ExecuteScalar<long>("SELECT count(*) FROM timeline WHERE kind = 'expired'"))));
    }

    [Fact]
    public async Task A_withdrawn_release_is_not_offered_by_the_other_even_in_that_second()
    {
        await One.UploadedAsync(ABuild.Of("1.0.0"));
        var devices = new List<ADevice>();
        for (var i = 0; i < 10; i++)
            devices.Add(await ADevice.EnrollAsync(Two, EnrollmentKey, $"02:00:00:00:05:{i:x2}"));
        await One.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await SeenAsync(async () => (await Two.GetAsync("api/v1/rollouts")).GetArrayLength() == 1);

        await One.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { });
        foreach (var device in devices)
            await device.HeldAsync();
    }
}
