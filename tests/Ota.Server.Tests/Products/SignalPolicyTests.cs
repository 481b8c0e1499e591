using System.Net;
using System.Net.Http.Json;
using Ota.Server.Products;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Products;

public sealed class SignalPolicyTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(100);

    [Theory]
    [InlineData(-81, null, true)]
    [InlineData(-80, null, false)]
    [InlineData(-50, null, false)]
    // Nobody knows the signal.
    [InlineData(0, null, false)]
    [InlineData(-90, 0, true)]
    [InlineData(-90, 71, true)]
    [InlineData(-90, 72, false)]
    public void A_download_waits_below_the_limit_for_so_many_days(int rssi, int? hoursWaited, bool waits) =>
        Assert.Equal(waits, SignalPolicy.Waits(
            new SignalPolicy(-80, 3), rssi, hoursWaited is { } hours ? Now.AddHours(-hours) : null, Now));

    [Fact]
    public void Without_a_policy_nothing_waits() => Assert.False(SignalPolicy.Waits(null, -99, null, Now));

    [Fact]
    public async Task An_update_waits_for_a_better_hour_asks_every_hour_and_comes_at_last_as_it_is()
    {
        await using var server = await RunningServer.StartAsync();
        var key = await server.AddProductAsync();
        await SetAsync(server, new { weakerThan = -80, days = 3 });
        await server.UploadedAsync(ABuild.Of("1.0.0"));
        var (better, weak) = (await ADevice.EnrollAsync(server, key), await ADevice.EnrollAsync(server, key, "02:00:00:00:00:02"));
        await server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        (better.Rssi, weak.Rssi) = (-86, -86);

        foreach (var device in new[] { better, weak })
        {
            using var held = await device.CheckInAsync();
            Assert.Equal(HttpStatusCode.NoContent, held.StatusCode);
            Assert.Equal(TimeSpan.FromHours(1), held.Headers.RetryAfter!.Delta);
        }

        await server.RestartAsync();
        server.Time.Ahead = TimeSpan.FromDays(2.9);
        await weak.HeldAsync();
        better.Rssi = -79;
        await better.OfferedAsync();
        server.Time.Ahead = TimeSpan.FromDays(3.1);
        await weak.OfferedAsync();

        var told = (await weak.ShownAsync()).GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("text").GetString()!);
        Assert.Single(told, text => text == "Waits for a better signal than -86 dBm");
    }

    [Fact]
    public async Task A_recovery_never_waits()
    {
        await using var server = await RunningServer.StartAsync();
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        await SetAsync(server, new { weakerThan = -60, days = 30 });
        var rescue = ABuild.Of("9.0.0");
        await server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        device.Rssi = -95;
        await server.PostAsync($"api/v1/devices/{device.Id}/recover", new { reason = "no time to lose" });

        Assert.Equal("recover", (await device.OfferedAsync()).GetProperty("action").GetString());
    }

    [Theory]
    [InlineData(-101, 3)]
    [InlineData(-39, 3)]
    [InlineData(-80, 0)]
    [InlineData(-80, 31)]
    public async Task A_policy_out_of_bounds_is_refused_and_the_one_before_stays(int weakerThan, int days)
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddProductAsync();
        await SetAsync(server, new { weakerThan = -80, days = 3 });

        using var answer = await server.Admin.PutAsJsonAsync("api/v1/products/kettle/signal", new { signal = new { weakerThan, days } });

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(-80, (await server.GetAsync("api/v1/products/kettle")).GetProperty("signal").GetProperty("weakerThan").GetInt32());
    }

    private static async Task SetAsync(RunningServer server, object signal)
    {
        using var answer = await server.Admin.PutAsJsonAsync("api/v1/products/kettle/signal", new { signal });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
