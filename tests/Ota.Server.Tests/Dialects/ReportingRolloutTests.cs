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

    [Theory]
    [InlineData("hawkBit")]
    [InlineData("Mender")]
    public async Task It_reaches_clients_wave_by_wave(string dialect)
    {
        var clients = await ClientsAsync(dialect);
        var rollout = await StartAsync();

        Assert.Equal(2, await RoundAsync(clients, client => client.InstallsAsync()));
        Assert.Equal(0, await RoundAsync(clients, client => client.InstallsAsync()));
        await TickAsync();
        Assert.Equal(Clients - 2, await RoundAsync(clients, client => client.InstallsAsync()));
        await TickAsync();

        Assert.Equal("completed", await StateAsync(rollout));
        foreach (var client in clients)
            Assert.Equal("confirmed", await client.StateAsync());
    }

    [Theory]
    [InlineData("hawkBit")]
    [InlineData("Mender")]
    public async Task It_stops_by_its_rule_when_clients_tell_of_failures_or_fall_back(string dialect)
    {
        var clients = await ClientsAsync(dialect);
        var rollout = await StartAsync();

        Assert.Equal(2, await RoundAsync(clients, client => client.FailsAsync()));
        await TickAsync();

        Assert.Equal("stopped", await StateAsync(rollout));
        Assert.Equal(0, await RoundAsync(clients, client => client.InstallsAsync()));
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

    private static async Task<int> RoundAsync(IEnumerable<Client> clients, Func<Client, Task<bool>> tryAsync)
    {
        var given = 0;
        foreach (var client in clients)
            given += await tryAsync(client) ? 1 : 0;
        return given;
    }

    private async Task<Client[]> ClientsAsync(string dialect) => await Task.WhenAll(Enumerable.Range(0, Clients).Select(async i =>
    {
        if (dialect == "hawkBit")
        {
            var client = await AHawkbitClient.AdoptAsync(_server, $"24:6f:28:00:01:{i:x2}");
            await client.TellAsync("1.0.0");
            return new Client(() => InstallAsync(client, works: true), () => InstallAsync(client, works: false), client.StateAsync);
        }

        var other = await AMenderClient.AdoptAsync(_server, $"24:6f:28:00:02:{i:x2}");
        Assert.Null(await other.NextAsync());
        return new Client(() => InstallAsync(other, works: true), () => InstallAsync(other, works: false), other.StateAsync);
    }));

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

    /// <summary>What a rollout meets, whichever its dialect: each of the first two is true when it was given something.</summary>
    private sealed record Client(Func<Task<bool>> InstallsAsync, Func<Task<bool>> FailsAsync, Func<Task<string?>> StateAsync);
}
