using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Rollouts;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>A staged rollout over clients that know nothing of rollouts.</summary>
public class ClientRolloutTests : IAsyncLifetime
{
    private const int Clients = 50;
    private RunningServer _server = null!;
    private AnEspSketch[] _sketches = [];

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", "firmware two"));
        _sketches = await Task.WhenAll(Enumerable.Range(0, Clients)
            .Select(async i => (await AnEspSketch.AdoptAsync(_server, $"24:6F:28:00:00:{i:X2}")).Sketch));
        foreach (var sketch in _sketches)
            await sketch.HeldAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_reaches_all_of_them_wave_by_wave()
    {
        var rollout = await StartAsync();
        Assert.Equal(10, await AskAllAsync(works: _ => true));
        await TickAsync();
        Assert.Equal(Clients - 10, await AskAllAsync(works: _ => true));
        await TickAsync();

        Assert.Equal("completed", await StateAsync(rollout));
        Assert.Equal(0, await AskAllAsync(works: _ => true));
    }

    [Fact]
    public async Task It_stops_by_its_rule_when_they_fall_back()
    {
        var rollout = await StartAsync();
        Assert.Equal(10, await AskAllAsync(works: _ => false));
        await TickAsync();

        Assert.Equal("stopped", await StateAsync(rollout));
        Assert.Equal(0, await AskAllAsync(works: _ => true));
    }

    [Fact]
    public async Task What_is_only_assumed_opens_no_wave()
    {
        foreach (var sketch in _sketches)
            (sketch.Version, sketch.SketchMd5) = (null, "");
        var rollout = await StartAsync();
        Assert.Equal(10, await AskAllAsync(works: _ => true));
        await TickAsync();

        Assert.Equal(0, await AskAllAsync(works: _ => true));
        Assert.Equal("active", await StateAsync(rollout));
    }

    // How many were handed an image; each then asks again from what it runs, as often as it takes.
    private async Task<int> AskAllAsync(Predicate<AnEspSketch> works)
    {
        var handed = 0;
        foreach (var sketch in _sketches)
        {
            var answer = await sketch.AskAsync();
            if (answer.Status == 200)
                handed++;
            while (answer.Status == 200)
            {
                if (works(sketch) && sketch.Version is not null)
                    sketch.Version = "1.1.0";
                answer = await sketch.AskAsync();
            }
        }

        return handed;
    }

    private async Task<JsonElement> StartAsync() => await _server.PostAsync("api/v1/rollouts", new
    {
        product = "kettle", version = "1.1.0", waves = new[] { "10", "rest" }, advance = "confirmed >= 90%", stop = "reverted > 20%",
    });

    // What the clock does a few times a minute.
    private Task TickAsync() => _server.App.Services.GetRequiredService<RolloutClock>().RunAsync(TestContext.Current.CancellationToken);

    private async Task<string?> StateAsync(JsonElement rollout) =>
        (await _server.GetAsync($"api/v1/rollouts/{rollout.GetProperty("id").GetInt64()}")).GetProperty("state").GetString();
}
