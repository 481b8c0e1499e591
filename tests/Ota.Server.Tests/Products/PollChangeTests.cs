using System.Net;
using System.Net.Http.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Products;

public sealed class PollChangeTests
{
    [Fact]
    public async Task A_device_is_told_the_new_poll_when_it_asks_next_and_what_is_no_poll_changes_nothing()
    {
        await using var server = await RunningServer.StartAsync();
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        await device.HeldAsync();

        using var done = await server.Admin.PutAsJsonAsync("api/v1/products/kettle/poll", new { poll = "every 7m" });
        using var refused = await server.Admin.PutAsJsonAsync("api/v1/products/kettle/poll", new { poll = "now and then" });

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (done.StatusCode, refused.StatusCode));
        Assert.Contains("'now and then' is neither like", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await device.HeldAsync();
        var shown = await device.ShownAsync();
        Assert.Equal(
            TimeSpan.FromMinutes(7), shown.GetProperty("nextCheckIn").GetDateTimeOffset() - shown.GetProperty("lastSeen").GetDateTimeOffset());
        Assert.Equal("every 7m", (await server.GetAsync("api/v1/products/kettle")).GetProperty("poll").GetString());
        Assert.Single(
            (await server.GetAsync("api/v1/audit")).EnumerateArray(), entry => entry.GetProperty("action").GetString() == "product.poll");
    }
}
