using System.Net;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

public sealed class HeldWithoutDatabaseTests
{
    [Fact]
    public async Task Devices_that_a_rollout_merely_holds_are_answered_while_the_database_is_gone()
    {
        // Of its own: it is stopped in the middle.
        var postgreSql = new PostgreSql();
        await using var server = await RunningServer.OnPostgreSqlAsync(await postgreSql.NewDatabaseAsync());
        var fleet = await AFleet.RunningAsync(server, 9);
        var rollouts = new List<long>();
        async Task HoldAsync(ADevice device, Func<string, object> plan) => rollouts.Add(await fleet.StartAsync(plan($"id = {device.Id}")));
        var (offered, busy, control) = (fleet.Devices[6], fleet.Devices[7], fleet.Devices[8]);
        await HoldAsync(fleet.Devices[0], where => new { where, waves = new[] { "0.01%", "100%" }, advance = (string?)null });
        await HoldAsync(fleet.Devices[1], where => new { where, window = "00:00-00:01" });
        await HoldAsync(fleet.Devices[2], where => new { where = $"{where} or id = {busy.Id}", rate = 1 });
        await HoldAsync(fleet.Devices[3], where => new { where, at = "2030-08-01T00:00" });
        await HoldAsync(fleet.Devices[4], where => new { where = where + " and rssi > -10 and last-seen < 2d" });
        await HoldAsync(fleet.Devices[5], where => new { where });
        await fleet.DoAsync(rollouts[^1], "pause");
        await HoldAsync(offered, where => new { where });
        await offered.OfferedAsync();
        await fleet.DoAsync(rollouts[^1], "pause");
        await HoldAsync(control, where => new { where });
        await busy.OfferedAsync();
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(fleet.Devices[0]));

        await postgreSql.DisposeAsync();

        for (var times = 0; times < 2; times++)
        {
            foreach (var device in fleet.Devices[..7])
                Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(device));
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(control));
    }

    private static async Task<HttpStatusCode> StatusAsync(ADevice device)
    {
        using var answer = await device.CheckInAsync();
        return answer.StatusCode;
    }
}
