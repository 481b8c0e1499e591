using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Recovery;

/// <summary>
/// The server is killed after each statement between the arming of a recovery and its completion, commits among them, of which nobody was told;
/// the unit clears exactly once each time, and the recovery is completed.
/// </summary>
public sealed class StatementKillTests(ITestOutputHelper output) : IAsyncLifetime
{
    // In the plain form every so many statements; beginning at the first.
    private static readonly int Stride = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 1 : 5;
    private KillHost _host = null!;
    private string _enrollmentKey = "";

    public async ValueTask InitializeAsync()
    {
        _host = await KillHost.StartAsync("--RecoveriesPerHour", "1000");
        _enrollmentKey = (await PostAsync("api/v1/products", JsonContent.Create(new
        {
            name = "kettle", hardware = new[] { "virtual" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") }, poll = "every 1h",
        }))).GetProperty("enrollmentKey").GetString()!;
        var rescue = ABuild.Of("9.0.0", "recovery");
        foreach (var build in new[] { ABuild.Of("1.0.0"), rescue with { Statement = rescue.Statement with { Kind = "recovery" } } })
            await PostAsync("api/v1/products/kettle/releases", build.Form());
        await PostAsync("api/v1/deployments", JsonContent.Create(new { product = "kettle", version = "1.0.0", all = true }));
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Killed_at_any_statement_of_a_recovery_the_unit_clears_exactly_once_and_the_recovery_is_completed()
    {
        var statement = 1;
        for (var isOver = false; !isOver; statement += Stride)
        {
            var kills = _host.Kills;
            using var unit = await RecoveredAsync(statement);
            await _host.SpareAsync();
            isOver = _host.Kills == kills;

            var deployments = await _host.Staff.GetFromJsonAsync<JsonElement>($"api/v1/deployments?device={IdOf(unit)}");
            var recovery = Assert.Single(deployments.EnumerateArray(), deployment => deployment.GetProperty("action").GetString() == "recover");
            Assert.True(recovery.GetProperty("state").GetString() == "completed", $"Statement {statement}: {recovery}");
            Assert.Equal((1, "next owner", "1.0.0"), (unit.Device.RecoveryRuns, unit.Owner, unit.Running));
        }

        var said = $"kills: {_host.Kills}, at statements 1 to {statement - (2 * Stride)} of a recovery, each cleared once and completed";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.InRange(_host.Kills, 40 / Stride, 400 / Stride);
    }

    private async Task<AUnit> RecoveredAsync(int statement)
    {
        var unit = new AUnit(() => _host.Address, _enrollmentKey, $"02:00:00:00:{statement / 100:00}:{statement % 100:00}");
        unit.Live();
        Assert.Equal("1.0.0", unit.Running);
        await _host.KillAtAsync(statement);
        await ArmedAsync(IdOf(unit));
        unit.OnCall = async _ =>
        {
            await _host.ReviveAsync();
            return Weather.Fair;
        };
        unit.Provision("next-home", "next owner");
        unit.Live(200);
        return unit;
    }

    // Who gets no answer asks again; asked twice it is armed once.
    private async Task ArmedAsync(string device)
    {
        for (var tries = 0; tries < 2; tries++)
        {
            try
            {
                using var answer = await _host.Staff.PostAsJsonAsync(
                    $"api/v1/devices/{device}/recover", new { reason = "killed at a statement", yesReally = true });
                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
                return;
            }
            catch (Exception cut) when (cut is HttpRequestException or SocketException)
            {
                await _host.ReviveAsync();
            }
        }

        Assert.Fail("It was killed twice.");
    }

    private async Task<JsonElement> PostAsync(string path, HttpContent content)
    {
        using var answer = await _host.Staff.PostAsync(path, content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static string IdOf(AUnit unit) => unit.Device.Agent!.Identity!.Device;
}
