using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>A Blynk cloud, played by a real server on loopback, is told of the devices of a product.</summary>
public class BlynkCloudTests : IAsyncLifetime
{
    private const string CloudToken = "their-token-of-thirty-two-letter";
    private RunningServer _server = null!;
    private AReceiver _cloud = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    private string Url => new Uri(_cloud.Url).GetLeftPart(UriPartial.Authority) + "/";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _cloud = await AReceiver.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await PutAsync("products/kettle/blynk", new { url = Url });
    }

    public async ValueTask DisposeAsync()
    {
        await _cloud.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Version_restart_cause_and_signal_are_written_to_the_pins_of_the_cloud_and_only_when_they_change()
    {
        await PutAsync($"devices/{_device.Id}/blynk-token", new { token = CloudToken });
        (_device.Cause, _device.Rssi) = ("crash", -71);
        await _device.HeldAsync();

        var first = await ToldAsync("V255=-71");
        Assert.StartsWith("/external/api/batch/update?token=" + CloudToken, first, StringComparison.Ordinal);
        Assert.Contains("&V254=crash", first, StringComparison.Ordinal);

        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = _device.Id });
        await _device.InstallAsync("1.0.0");
        Assert.Matches(@"&V253=1\.0\.0%20\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ", await ToldAsync("V253="));

        // What apps and the device write, and the status, are none of its business.
        await _server.SetPinAsync(_device, "1", "a");
        _device.Rssi = -50;
        await _device.HeldAsync();
        Assert.DoesNotContain("V1=", await ToldAsync("V255=-50"), StringComparison.Ordinal);
        var state = await _server.GetAsync($"api/v1/devices/{_device.Id}/blynk-token");
        Assert.True(state.GetProperty("hasToken").GetBoolean());
    }

    [Fact]
    public async Task A_cloud_that_is_away_is_told_the_newest_value_alone_once_it_is_back()
    {
        await PutAsync($"devices/{_device.Id}/blynk-token", new { token = CloudToken });
        _cloud.Answer = (context, _) => AReceiver.StatusAsync(context, 503);
        foreach (var rssi in (int[])[-40, -41, -42])
        {
            _device.Rssi = rssi;
            await _device.HeldAsync();
            await _server.FlushPinsAsync();
        }

        await ToldAsync("V255=");
        await StateAsync(state => state.GetProperty("lastError").GetString() == "HTTP 503");
        while (_cloud.All.TryDequeue(out _))
        {
            // What it did not take.
        }

        _cloud.Answer = (context, _) => AReceiver.StatusAsync(context, 200);
        _server.Time.Ahead += TimeSpan.FromHours(9);

        await ToldAsync("V255=-42");
        await StateAsync(state => state.GetProperty("due").ValueKind == JsonValueKind.Null);
        Assert.Single(_cloud.All);
    }

    [Fact]
    public async Task A_restart_of_the_server_loses_nothing_that_was_to_be_told()
    {
        _cloud.Answer = (context, _) => AReceiver.StatusAsync(context, 500);
        await PutAsync($"devices/{_device.Id}/blynk-token", new { token = CloudToken });
        await _device.HeldAsync();
        await _server.RestartAsync();
        _cloud.Answer = (context, _) => AReceiver.StatusAsync(context, 200);
        _server.Time.Ahead += TimeSpan.FromHours(9);

        await StateAsync(state => state.GetProperty("lastTold").ValueKind == JsonValueKind.String && state.GetProperty("due").ValueKind == JsonValueKind.Null);
        Assert.Contains(_cloud.All, delivery => delivery.Path.Contains("V255=-60", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_token_is_in_no_log_no_answer_no_audit_and_not_in_the_database_and_goes_to_no_other_cloud()
    {
        _cloud.Answer = (context, _) => AReceiver.StatusAsync(context, 404);
        var set = await PutAsync($"devices/{_device.Id}/blynk-token", new { token = CloudToken });
        await _device.HeldAsync();
        await ToldAsync(CloudToken);
        await StateAsync(state => state.GetProperty("lastError").GetString() == "HTTP 404");
        var shown = await _server.GetAsync($"api/v1/devices/{_device.Id}/blynk-token");
        var seen = $"{set}{shown}{await _server.GetAsync("api/v1/audit")}{await _device.ShownAsync()}{_server.Log.Text}";
        Assert.DoesNotContain(CloudToken, seen, StringComparison.Ordinal);
        Assert.Contains("device.blynk-cloud-token", seen, StringComparison.Ordinal);
        var database = _server.App.Services.GetRequiredService<Database>();
        Assert.Equal(1, database.Read(connection => Count(connection, "SELECT count(*) FROM blynk_clouds")));

        await using var other = await AReceiver.StartAsync();
        await PutAsync("products/kettle/blynk", new { url = new Uri(other.Url).GetLeftPart(UriPartial.Authority) });
        _server.Time.Ahead += TimeSpan.FromHours(9);
        var state = await _server.GetAsync($"api/v1/devices/{_device.Id}/blynk-token");
        Assert.False(state.GetProperty("hasToken").GetBoolean());
        // Another device of the product, which has a token there, is told of; this one would have been before.
        var second = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        await PutAsync($"devices/{second.Id}/blynk-token", new { token = "second" });
        await second.HeldAsync();
        Assert.Contains("token=second", (await other.NextAsync()).Path, StringComparison.Ordinal);
        Assert.DoesNotContain(other.All, delivery => delivery.Path.Contains(CloudToken, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_next_owners_device_is_not_told_to_the_former_owners_cloud()
    {
        await PutAsync($"devices/{_device.Id}/blynk-token", new { token = CloudToken });
        await _device.HeldAsync();
        await ToldAsync("V255=");
        await _server.PostAsync($"api/v1/devices/{_device.Id}/hand-over", new { });
        await ADevice.EnrollAsync(_server, _enrollmentKey);

        Assert.False((await _server.GetAsync($"api/v1/devices/{_device.Id}/blynk-token")).GetProperty("hasToken").GetBoolean());
        Assert.Equal(0, _server.App.Services.GetRequiredService<Database>().Read(connection => Count(connection, "SELECT count(*) FROM blynk_clouds")));
    }

    [Theory]
    [InlineData("products/kettle/blynk", """{"url":"http://192.0.2.1/"}""", "url is https")]
    [InlineData("products/kettle/blynk", """{"url":"https://blynk.example/?token=x"}""", "without a query")]
    [InlineData("products/kettle/blynk", """{"url":"blynk"}""", "absolute https address")]
    [InlineData("devices/DEVICE/blynk-token", """{"token":""}""", "token is 1 to 128")]
    [InlineData("devices/DEVICE/blynk-token", """{"token":"a b"}""", "token is 1 to 128")]
    [InlineData("devices/DEVICE/blynk-token", """{"token":"a&V1=2"}""", "token is 1 to 128")]
    public async Task What_cannot_be_is_refused_and_not_repeated(string path, string body, string reason)
    {
        using var answer = await _server.Admin.PutAsync(
            "api/v1/" + path.Replace("DEVICE", _device.Id, StringComparison.Ordinal), new StringContent(body, System.Text.Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(reason, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_cloud_no_token_is_kept_and_a_forgotten_one_is_gone()
    {
        await PutAsync($"devices/{_device.Id}/blynk-token", new { token = CloudToken });
        await PutAsync($"devices/{_device.Id}/blynk-token", new { token = (string?)null });
        Assert.False((await _server.GetAsync($"api/v1/devices/{_device.Id}/blynk-token")).GetProperty("hasToken").GetBoolean());

        await PutAsync("products/kettle/blynk", new { url = (string?)null });
        using var answer = await _server.Admin.PutAsJsonAsync($"api/v1/devices/{_device.Id}/blynk-token", new { token = CloudToken });
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    private static long Count(System.Data.Common.DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    // The next call that has this in its address.
    private async Task<string> ToldAsync(string part)
    {
        while (true)
        {
            var path = (await _cloud.NextAsync()).Path;
            if (path.Contains(part, StringComparison.Ordinal))
                return path;
        }
    }

    private async Task StateAsync(Predicate<JsonElement> awaited)
    {
        var patience = DateTime.UtcNow.AddSeconds(30);
        while (await _server.GetAsync($"api/v1/devices/{_device.Id}/blynk-token") is var state && !awaited(state))
        {
            Assert.True(DateTime.UtcNow < patience, $"The telling stands so: {state}");
            await Task.Delay(50);
        }
    }

    private async Task<JsonElement> PutAsync(string path, object body)
    {
        using var answer = await _server.Admin.PutAsJsonAsync("api/v1/" + path, body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
