using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Ota.EndToEnd.Tests.Durability;

/// <summary>The server is killed in the middle of recoveries that real agents are carrying out; each happens exactly once.</summary>
public sealed class RecoveryKillTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Units = 4;
    private static readonly int Rounds = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 30 : 8;
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"], more: [.. OtaServer.WithoutLimits]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        (await _ota.RunAsync("keys", "new", "--out", "acme.pem")).Succeeded();
        (await _ota.RunAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem")).Succeeded();
        File.WriteAllText(_folder["app.bin"], "app");
        File.WriteAllText(_folder["rescue.bin"], "rescue");
        (await PushAsync("1.0.0", "app.bin", "application")).Succeeded();
        (await PushAsync("9.0.0", "rescue.bin", "recovery")).Succeeded();
        (await _ota.RunAsync("deploy", "kettle", "1.0.0", "--all")).Succeeded();
        (await SimulateAsync()).Succeeded();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Each_recovery_happens_exactly_once_whenever_the_server_is_killed()
    {
        var devices = (await _server.Staff.GetFromJsonAsync<JsonElement>("api/v1/devices")).EnumerateArray()
            .Select(device => device.GetProperty("id").GetString()!).ToArray();
        Assert.Equal(Units, devices.Length);
        var random = new Random(20262);
        for (var round = 1; round <= Rounds; round++)
        {
            foreach (var device in devices)
                await ArmAsync(device);
            using var simulated = _ota.Start("simulate", "kettle", "--count", $"{Units}", "--once");
            simulated.StandardInput.Close();

            // The moment is what is random here: from before the first call to after the last.
            await Task.Delay(random.Next(200, 1200), TestContext.Current.CancellationToken);
            await _server.KillAsync();
            await OtaCommand.ResultAsync(simulated);
            await _server.StartAsync();
            await SimulateAsync();
            await SimulateAsync();

            foreach (var device in devices)
                await HappenedAsync(device, round);
        }

        var said = $"kills: {Rounds} in the middle of {Rounds * Units} recoveries, each carried out once";
        output.WriteLine(said);
        Console.WriteLine(said);
    }

    private async Task ArmAsync(string device)
    {
        using var answer = await _server.Staff.PostAsJsonAsync(
            $"api/v1/devices/{device}/recover", new { reason = "killed in the middle", yesReally = true });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    private async Task HappenedAsync(string device, int rounds)
    {
        var story = await _server.Staff.GetFromJsonAsync<JsonElement>($"api/v1/devices/{device}");
        var recoveries = story.GetProperty("deployments").EnumerateArray()
            .Where(deployment => deployment.GetProperty("action").GetString() == "recover").ToArray();
        Assert.All(recoveries, recovery => Assert.Equal("completed", recovery.GetProperty("state").GetString()));
        Assert.Equal(rounds, recoveries.Length);

        // The agent says so after each clearing, under the number of the order it cleared for.
        var timeline = story.GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("text").GetString()!).ToArray();
        var cleared = timeline.Count(text => text == "The device says confirmed: cleared");
        Assert.True(cleared == rounds, $"{rounds} ordered, {cleared} cleared:\n{string.Join('\n', timeline)}");
    }

    private Task<CommandResult> PushAsync(string version, string file, string kind) =>
        _ota.RunAsync("release", "push", "kettle", version, file, "--key", "acme.pem", "--hardware", "virtual", "--kind", kind);

    private Task<CommandResult> SimulateAsync() => _ota.RunAsync("simulate", "kettle", "--count", $"{Units}", "--once");
}
