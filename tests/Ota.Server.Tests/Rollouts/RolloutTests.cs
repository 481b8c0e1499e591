using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

public class RolloutTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_rollout_of_what_a_device_runs_already_supersedes_the_older_order_it_has_not_begun()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0", "first"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", "second"));
        await StartAsync("1.0.0");
        await _device.InstallAsync("1.0.0");
        await StartAsync("1.1.0");
        await _device.OfferedAsync();

        await StartAsync("1.0.0");

        await _device.HeldAsync();
        Assert.Equal("superseded", (await _device.ShownAsync()).GetProperty("deployments")[0].GetProperty("state").GetString());
        await _device.HeldAsync();
    }

    [Theory]
    [InlineData("uploaded")]
    [InlineData("dropped")]
    public async Task A_build_that_comes_after_its_rollout_reaches_the_hardware_it_was_missing_for(string how)
    {
        var elsewhere = ABuild.Of("1.0.0", "for another board");
        await _server.UploadedAsync(elsewhere with { Statement = elsewhere.Statement with { Hardware = ["esp32"] } });
        await StartAsync("1.0.0");
        await _device.HeldAsync();

        var late = ABuild.Of("1.0.0");
        if (how == "uploaded")
            await _server.UploadedAsync(late);
        else
            Assert.Equal("accepted", await _server.DroppedAsync(late));

        await _device.OfferedAsync();
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("withdrawn")]
    public async Task A_rollout_that_began_during_an_installation_is_offered_once_that_comes_to_nothing(string how)
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0", "first"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", "second"));
        await StartAsync("1.0.0");
        var order = await _device.OfferedAsync();
        _device.LastOrder = order.GetProperty("number").GetInt64();
        var deployment = order.GetProperty("deployment").GetString();
        await _device.ReportAsync(new { seq = 1, at = 0, deployment, state = "downloaded" });

        await StartAsync("1.1.0");
        if (how == "failed")
        {
            Assert.Equal(deployment, (await _device.OfferedAsync()).GetProperty("deployment").GetString());
            await _device.ReportAsync(new { seq = 2, at = 0, deployment, state = "failed" });
        }
        else
        {
            await _server.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { });
            await _device.HeldAsync();
        }

        Assert.NotEqual(deployment, (await _device.OfferedAsync()).GetProperty("deployment").GetString());
    }

    [Fact]
    public async Task Ordering_below_the_floor_of_devices_says_how_many_will_not_be_offered_it()
    {
        var low = ABuild.Of("1.0.0");
        await _server.UploadedAsync(low with { Statement = low.Statement with { SecurityCounter = 2 } });
        var other = await ADevice.EnrollAsync(
            _server, (await _server.GetAsync("api/v1/products/kettle")).GetProperty("enrollmentKey").GetString()!, "02:00:00:00:00:02");
        _device.SecurityCounter = 3;
        await _device.HeldAsync();
        other.SecurityCounter = 2;
        await other.HeldAsync();

        var started = await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });

        Assert.Equal(2, started.GetProperty("devices").GetInt64());
        Assert.Equal(1, started.GetProperty("belowFloor").GetInt64());
        await _device.HeldAsync();
        await other.OfferedAsync();
    }

    [Fact]
    public async Task A_rollout_that_a_later_one_leaves_no_device_is_listed_as_superseded()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0", "first"));
        var both = ABuild.Of("1.1.0", "for both boards");
        await _server.UploadedAsync(both with { Statement = both.Statement with { Hardware = ["virtual", "esp32"] } });
        await _server.UploadedAsync(ABuild.Of("1.2.0", "third"));
        await StartAsync("1.0.0");
        await StartAsync("1.1.0");
        Assert.Equal(["active", "superseded"], await StatesAsync());

        // It has no build for one of the boards, so the one before goes on for that.
        await StartAsync("1.2.0");
        Assert.Equal(["active", "active", "superseded"], await StatesAsync());

        var aborted = (await _server.GetAsync("api/v1/rollouts"))[0].GetProperty("id").GetInt64();
        await _server.PostAsync($"api/v1/rollouts/{aborted}/abort", new { });
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.2.0", group = "kitchens" });
        Assert.Equal(["active", "aborted", "active", "superseded"], await StatesAsync());
    }

    private async Task<string[]> StatesAsync() =>
        [.. (await _server.GetAsync("api/v1/rollouts")).EnumerateArray().Select(rollout => rollout.GetProperty("state").GetString()!)];

    private async Task StartAsync(string version) =>
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version, all = true });
}
