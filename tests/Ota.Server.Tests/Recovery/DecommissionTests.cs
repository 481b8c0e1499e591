using System.Net;
using System.Net.Http.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Recovery;

/// <summary>The end of an identity: told, wiped, gone; and the hardware's way back.</summary>
public class DecommissionTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await _device.HeldAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_order_comes_with_410_until_it_is_acknowledged_and_as_long_as_it_is_good_after()
    {
        await DecommissionAsync(new { reason = "sold" });
        var order = await _device.OfferedAsync(HttpStatusCode.Gone);
        Assert.Equal("decommission", order.GetProperty("action").GetString());
        Assert.False(order.TryGetProperty("release", out _));

        // Not accepted yet, so the same; then acknowledged, and still the same for whom the first answer was lost.
        Assert.Equal(order.GetRawText(), (await _device.OfferedAsync(HttpStatusCode.Gone)).GetRawText());
        _device.LastOrder = order.GetProperty("number").GetInt64();
        await AcceptAsync(order.GetProperty("deployment").GetString()!);
        Assert.Equal("completed", await _device.StateAsync());
        Assert.Equal(order.GetRawText(), (await _device.OfferedAsync(HttpStatusCode.Gone)).GetRawText());
        await _server.RestartAsync();
        Assert.Equal(order.GetRawText(), (await _device.OfferedAsync(HttpStatusCode.Gone)).GetRawText());

        // When the order's life is over the token means nothing any more.
        _server.Time.Ahead = TimeSpan.FromDays(2);
        using var late = await _device.CheckInAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, late.StatusCode);
    }

    [Fact]
    public async Task The_hardware_enrolls_anew_under_its_old_name_in_its_new_group_with_new_secrets()
    {
        await DecommissionAsync(new { reason = "sold", transferTo = "second-hand" });
        var order = await _device.OfferedAsync(HttpStatusCode.Gone);
        await AcceptAsync(order.GetProperty("deployment").GetString()!);

        var next = await ADevice.EnrollAsync(_server, _enrollmentKey);

        Assert.Equal(_device.Id, next.Id);
        Assert.NotEqual(_device.Token, next.Token);
        await next.HeldAsync();
        var story = await next.ShownAsync();
        Assert.Equal("second-hand", story.GetProperty("group").GetString());
        Assert.Equal(2, story.GetProperty("generation").GetInt64());
        Assert.Contains(story.GetProperty("timeline").EnumerateArray(), entry => entry.GetProperty("text").GetString()!.StartsWith("Enrolled as", StringComparison.Ordinal));
        using var former = await _device.CheckInAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, former.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_unit_that_asks_for_an_identity_has_wiped_even_if_it_never_said_so(bool offered)
    {
        await DecommissionAsync(new { reason = "sold" });
        if (offered)
            await _device.OfferedAsync(HttpStatusCode.Gone);

        var next = await ADevice.EnrollAsync(_server, _enrollmentKey);

        Assert.Equal("completed", await next.StateAsync());
        await next.HeldAsync();
        await next.HeldAsync();
    }

    [Fact]
    public async Task A_unit_that_is_never_seen_again_loses_its_identity_when_the_time_is_over()
    {
        await DecommissionAsync(new { reason = "stolen", expiresIn = 60 });
        _server.Time.Ahead = TimeSpan.FromMinutes(2);

        using var late = await _device.CheckInAsync();

        Assert.Equal("expired", await _device.StateAsync());
        using var after = await _device.CheckInAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
        await _server.RestartAsync();
        using var still = await _device.CheckInAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, still.StatusCode);
        using var again = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{_device.Id}/decommission", new { reason = "x" });
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
    }

    [Fact]
    public async Task A_decommission_that_was_taken_back_ends_nothing()
    {
        var armed = await DecommissionAsync(new { reason = "sold" });
        await _server.PostAsync($"api/v1/deployments/{armed.GetProperty("id").GetInt64()}/cancel", new { });

        await _device.HeldAsync();

        using var enroll = await ADevice.AskAsync(_server, _enrollmentKey);
        Assert.Equal(HttpStatusCode.Conflict, enroll.StatusCode);
    }

    private Task<System.Text.Json.JsonElement> DecommissionAsync(object body) =>
        _server.PostAsync($"api/v1/devices/{_device.Id}/decommission", body);

    private async Task AcceptAsync(string deployment)
    {
        using var answer = await _device.ReportAsync(new { seq = 17, at = 0, deployment, state = "accepted" });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }
}
