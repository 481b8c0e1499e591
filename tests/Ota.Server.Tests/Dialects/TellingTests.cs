using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>Whether a unit is known or only taken to run what is shown outlives a restart, a later deployment and what another server read anew.</summary>
public class TellingTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private string _id = "";
    private AnEspSketch _sketch = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.1.0", new string('x', 200_000)));
        await _server.UploadedAsync(ABuild.Of("1.2.0", new string('y', 200_000)));
        (_id, _sketch) = await AnEspSketch.AdoptAsync(_server);
        (_sketch.Version, _sketch.SketchMd5) = (null, "");
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task One_that_told_its_version_is_known_to_run_it_also_after_a_restart()
    {
        await TakeAsync("1.1.0");
        Assert.True(await IsAssumedAsync());
        _sketch.Version = "1.1.0";
        await _sketch.HeldAsync();
        Assert.False(await IsAssumedAsync());

        await _server.RestartAsync();
        Assert.False(await IsAssumedAsync());
    }

    [Fact]
    public async Task One_that_tells_nothing_is_taken_to_run_what_it_fetched_whatever_is_ordered_next_also_after_a_restart()
    {
        await TakeAsync("1.1.0");
        await OrderAsync("1.2.0");
        Assert.True(await IsAssumedAsync());

        await _server.RestartAsync();
        Assert.True(await IsAssumedAsync());
    }

    private async Task TakeAsync(string version)
    {
        await OrderAsync(version);
        await _sketch.FetchAsync();
        await _sketch.HeldAsync();
    }

    private async Task OrderAsync(string version) => await _server.PostAsync("api/v1/deployments", new { product = "kettle", version, device = _id });

    private async Task<bool> IsAssumedAsync() => (await _sketch.ShownAsync()).GetProperty("runningAssumed").GetBoolean();
}
