using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>
/// The server is killed after each statement of a recovery in two steps, commits among them, of which nobody was told: the client gets the recovery
/// build whole at most once, and is never left on it.
/// </summary>
public sealed class TwoStepKillTests : IAsyncLifetime
{
    // In the plain form every so many statements; beginning at the first.
    private static readonly int Stride = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 1 : 3;
    private KillHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await KillHost.StartAsync("--RecoveriesPerHour", "1000");
        await PostAsync("api/v1/products", JsonContent.Create(new
        {
            name = "kettle", hardware = new[] { "virtual" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") }, poll = "every 1h",
        }));
        var rescue = ABuild.Of("9.0.0", "recovery");
        foreach (var build in new[] { ABuild.Of("1.0.0"), rescue with { Statement = rescue.Statement with { Kind = "recovery" } } })
            await PostAsync("api/v1/products/kettle/releases", build.Form());
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Killed_at_any_statement_the_client_clears_at_most_once_and_comes_back()
    {
        var statement = 1;
        for (var isOver = false; !isOver; statement += Stride)
        {
            var kills = _host.Kills;
            var client = await PostAsync("api/v1/products/kettle/clients", JsonContent.Create(new
            {
                hardwareId = $"24:6f:28:00:{statement / 100:00}:{statement % 100:00}", dialect = "esp8266",
            }));
            var (id, path) = (client.GetProperty("device").GetString()!, client.GetProperty("path").GetString()!);
            Assert.Equal("", await AskAsync(path, "1.0.0"));
            await _host.KillAtAsync(statement);

            var (cleared, state) = await RecoverAsync(id, path);
            await _host.SpareAsync();
            isOver = _host.Kills == kills;

            // It was on disk that the last byte goes out, and the server ended before it did.
            Assert.True(
                (cleared, state) is (1, "completed") || (!isOver && (cleared, state) is (0, "failed")), $"Statement {statement}: cleared {cleared} times, {state}");
        }

        Assert.InRange(_host.Kills, 20 / Stride, 400 / Stride);
    }

    // How often the client got the recovery build whole, and how the recovery ended.
    private async Task<(int Cleared, string? State)> RecoverAsync(string id, string path)
    {
        var (cleared, version) = (0, "1.0.0");
        for (var asks = 0; asks < 20; asks++)
        {
            try
            {
                if (asks == 0 || await StateAsync(id) is null)
                    await PostAsync($"api/v1/devices/{id}/recover", JsonContent.Create(new { reason = "killed at a statement", yesReally = true }));
                var image = await AskAsync(path, version);
                cleared += image == "recovery" ? 1 : 0;
                version = image switch { "recovery" => "9.0.0", "firmware" => "1.0.0", _ => version };
                if (await StateAsync(id) is "completed" or "failed")
                    break;
            }
            catch (Exception cut) when (cut is HttpRequestException or IOException or SocketException)
            {
                await _host.ReviveAsync();
            }
        }

        Assert.Equal("1.0.0", version);
        return (cleared, await StateAsync(id));
    }

    // Null before it is armed.
    private async Task<string?> StateAsync(string id)
    {
        var deployments = await _host.Staff.GetFromJsonAsync<JsonElement>($"api/v1/deployments?device={id}");
        return deployments.GetArrayLength() == 0 ? null : Assert.Single(deployments.EnumerateArray()).GetProperty("state").GetString();
    }

    // The image that came whole; empty for none.
    private async Task<string> AskAsync(string path, string version)
    {
        using var client = new HttpClient { BaseAddress = _host.Address };
        client.DefaultRequestHeaders.Add("x-ESP8266-version", version);
        using var answer = await client.GetAsync(path);
        Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotModified, $"{answer.StatusCode}");
        return await answer.Content.ReadAsStringAsync();
    }

    private async Task<JsonElement> PostAsync(string path, HttpContent content)
    {
        using var answer = await _host.Staff.PostAsync(path, content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }
}
