using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Evidence;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Evidence;

/// <summary>From the check-in to the sentence, on a real server.</summary>
public class EvidenceTests : IAsyncLifetime
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
    public async Task A_unit_that_restarts_when_its_signal_is_weak_is_proved_to_and_the_proof_survives_a_restart_of_the_server()
    {
        // Two days: an hour of −50 by turns with an hour of −85, in each of which it crashes.
        for (var hour = 0; hour <= 48; hour++)
        {
            (_device.Rssi, _device.Uptime) = (hour % 2 == 0 ? -50 : -85, 60);
            if (hour % 2 == 1)
                (_device.Starts, _device.Cause) = (_device.Starts + 1, "crash");
            await _device.HeldAsync();
            _server.Time.Ahead += TimeSpan.FromHours(1);
        }

        await _server.RestartAsync();
        var evidence = (await ShownAsync()).GetProperty("evidence");

        Assert.Equal("weak-signal", evidence.GetProperty("verdict").GetString());
        Assert.StartsWith("24 of 24 restarts came within 15 minutes of a signal weaker than −80 dBm", evidence.GetProperty("sentence").GetString(), StringComparison.Ordinal);
        Assert.Equal(48, evidence.GetProperty("hours").GetDouble(), precision: 1);
        Assert.Equal(24, evidence.GetProperty("causes").GetProperty("crash").GetInt64());
    }

    [Fact]
    public async Task A_device_that_just_enrolled_has_not_enough_data_and_an_unknown_one_is_not_found()
    {
        await _device.HeldAsync();

        Assert.Equal("not-enough-data", (await ShownAsync()).GetProperty("evidence").GetProperty("verdict").GetString());
        Assert.Equal(HttpStatusCode.NotFound, (await _server.Admin.GetAsync("api/v1/devices/nobody/evidence")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _server.Admin.GetAsync($"api/v1/devices/{_device.Id}/evidence?days=0")).StatusCode);
    }

    [Fact]
    public async Task Rows_of_a_device_stay_bounded_and_the_verdict_stays_the_same()
    {
        var now = DateTimeOffset.UtcNow;
        var samples = Enumerable.Range(0, 25_000).Select(i => (_device.Id, new Sample(
            now.AddMinutes(i - 25_000).ToUnixTimeMilliseconds(), i / 60 % 3 == 0 ? -85 : -55, 30, 1000, i / 500, "crash"))).ToArray();
        var database = _server.App.Services.GetRequiredService<Database>();
        await database.WriteAsync(connection => SampleTable.Insert(connection, samples), CancellationToken.None);
        var before = (await ShownAsync()).GetProperty("evidence");

        await database.WriteAsync(connection => Retention.Summarize(connection, _device.Id, now), CancellationToken.None);

        var after = (await ShownAsync()).GetProperty("evidence");
        Assert.Equal(before.GetProperty("sentence").GetString(), after.GetProperty("sentence").GetString());
        Assert.Equal(before.GetProperty("hours").GetDouble(), after.GetProperty("hours").GetDouble(), precision: 6);
        Assert.Equal(before.GetProperty("restarts").GetInt64(), after.GetProperty("restarts").GetInt64());
        Assert.InRange(database.Read(c => SampleTable.Since(c, _device.Id, 0)).Count, 1, Retention.MostSamples);
    }

    [Fact]
    public async Task What_is_older_than_90_days_is_summarized_and_than_two_years_forgotten()
    {
        var database = _server.App.Services.GetRequiredService<Database>();
        var now = DateTimeOffset.UtcNow;
        var old = now.AddDays(-91);
        (string, Sample)[] samples = [.. Enumerable.Range(0, 30).Select(hour =>
            (_device.Id, new Sample(old.AddHours(hour).ToUnixTimeMilliseconds(), -85, 30, 1000, hour, "crash")))];
        await database.WriteAsync(connection => SampleTable.Insert(connection, samples), CancellationToken.None);

        Assert.Equal([_device.Id], database.Read(connection => Retention.Late(connection, now)));
        await database.WriteAsync(connection => Retention.Summarize(connection, _device.Id, now), CancellationToken.None);
        Assert.Empty(database.Read(connection => Retention.Late(connection, now)));
        var evidence = (await ShownAsync("?days=100")).GetProperty("evidence");
        Assert.Equal(29, evidence.GetProperty("restarts").GetInt64());
        Assert.Equal(29, evidence.GetProperty("hours").GetDouble(), precision: 3);
        Assert.InRange(database.Read(c => SampleTable.Since(c, _device.Id, 0)).Count, 1, 7);

        await database.WriteAsync(connection => Retention.Summarize(connection, _device.Id, now.AddDays(800)), CancellationToken.None);
        Assert.Empty(database.Read(c => SampleTable.Hours(c, _device.Id, 0)));
    }

    private Task<JsonElement> ShownAsync(string query = "") => _server.GetAsync($"api/v1/devices/{_device.Id}/evidence{query}");
}
