using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Rollouts;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>A staged rollout over clients that tell how an installation goes: those of hawkBit and of Mender.</summary>
public sealed class ReportingRolloutTests : IAsyncLifetime
{
    private const int Clients = 6;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "artifact one"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", "artifact two"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_reaches_clients_of_hawkBit_wave_by_wave()
    {
        var clients = await HawkbitAsync();
        var rollout = await StartAsync();

        Assert.Equal(2, await RoundAsync(clients, client => InstallAsync(client, works: true)));
        Assert.Equal(0, await RoundAsync(clients, client => InstallAsync(client, works: true)));
        await TickAsync();
        Assert.Equal(Clients - 2, await RoundAsync(clients, client => InstallAsync(client, works: true)));
        await TickAsync();

        Assert.Equal("completed", await StateAsync(rollout));
        foreach (var client in clients)
            Assert.Equal("confirmed", await client.StateAsync());
    }

    [Fact]
    public async Task It_stops_by_its_rule_when_clients_of_hawkBit_tell_of_failures()
    {
        var clients = await HawkbitAsync();
        var rollout = await StartAsync();

        Assert.Equal(2, await RoundAsync(clients, client => InstallAsync(client, works: false)));
        await TickAsync();

        Assert.Equal("stopped", await StateAsync(rollout));
        Assert.Equal(0, await RoundAsync(clients, client => InstallAsync(client, works: true)));
    }

    [Fact]
    public async Task It_reaches_clients_of_Mender_wave_by_wave()
    {
        var clients = await MenderAsync();
        var rollout = await StartAsync();

        Assert.Equal(2, await RoundAsync(clients, client => InstallAsync(client, works: true)));
        Assert.Equal(0, await RoundAsync(clients, client => InstallAsync(client, works: true)));
        await TickAsync();
        Assert.Equal(Clients - 2, await RoundAsync(clients, client => InstallAsync(client, works: true)));
        await TickAsync();

        Assert.Equal("completed", await StateAsync(rollout));
        foreach (var client in clients)
            Assert.Equal("confirmed", await client.StateAsync());
    }

    [Fact]
    public async Task It_stops_by_its_rule_when_clients_of_Mender_fall_back()
    {
        var clients = await MenderAsync();
        var rollout = await StartAsync();

        Assert.Equal(2, await RoundAsync(clients, client => InstallAsync(client, works: false)));
        await TickAsync();

        Assert.Equal("stopped", await StateAsync(rollout));
        Assert.Equal(0, await RoundAsync(clients, client => InstallAsync(client, works: true)));
    }

    // True when it was given something.
    private static async Task<bool> InstallAsync(AHawkbitClient client, bool works)
    {
        if (!(await client.PollAsync()).TryGetValue("deploymentBase", out var address))
            return false;
        var action = await client.ActionAtAsync(address);
        await client.FetchAsync(action);
        Assert.Equal(200, (await client.FeedbackAsync(action.Id, "closed", works ? "success" : "failure")).Status);
        if (works)
            await client.TellAsync("1.1.0");
        return true;
    }

    // One that falls back tells of success, and then of its old version.
    private static async Task<bool> InstallAsync(AMenderClient client, bool works)
    {
        if (await client.NextAsync() is not { } next)
            return false;
        await client.InstallAsync(next, works ? "1.1.0" : "1.0.0");
        Assert.Null(await client.NextAsync());
        return true;
    }

    private static async Task<int> RoundAsync<T>(T[] clients, Func<T, Task<bool>> installAsync)
    {
        var given = 0;
        foreach (var client in clients)
            given += await installAsync(client) ? 1 : 0;
        return given;
    }

    private async Task<AHawkbitClient[]> HawkbitAsync()
    {
        var clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i => AHawkbitClient.AdoptAsync(_server, $"24:6f:28:00:01:{i:x2}")));
        foreach (var client in clients)
            await client.TellAsync("1.0.0");
        return clients;
    }

    private async Task<AMenderClient[]> MenderAsync()
    {
        var clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i => AMenderClient.AdoptAsync(_server, $"24:6f:28:00:02:{i:x2}")));
        foreach (var client in clients)
            Assert.Null(await client.NextAsync());
        return clients;
    }

    private async Task<JsonElement> StartAsync() => await _server.PostAsync("api/v1/rollouts", new
    {
        product = "kettle", version = "1.1.0", waves = new[] { "2", "rest" }, advance = "confirmed >= 90% and soaked 1h", stop = "failed+reverted > 20%",
    });

    // Longer than the soak, and then what the clock does a few times a minute.
    private Task TickAsync()
    {
        _server.Time.Ahead += TimeSpan.FromHours(2);
        return _server.App.Services.GetRequiredService<RolloutClock>().TickAsync(_server.Time.GetUtcNow(), TestContext.Current.CancellationToken);
    }

    private async Task<string?> StateAsync(JsonElement rollout) =>
        (await _server.GetAsync($"api/v1/rollouts/{rollout.GetProperty("id").GetInt64()}")).GetProperty("state").GetString();
}
