using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

public sealed class RolloutTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;

    public async ValueTask InitializeAsync()
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

    private async Task StartAsync(string version) =>
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version, all = true });
}
