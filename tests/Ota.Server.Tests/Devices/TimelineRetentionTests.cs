using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Devices;

public class TimelineRetentionTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Of_what_a_device_may_say_for_ever_the_latest_stay_and_what_is_about_orders_and_people_all_of_it()
    {
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = _device.Id });
        await _device.OfferedAsync();
        await FillAsync(_device.Id, TimelineRetention.Most + 300);
        var other = await ADevice.EnrollAsync(_server, await KeyAsync(), "02:00:00:00:00:02");
        await FillAsync(other.Id, TimelineRetention.Most);
        for (var batch = 0; batch < 3; batch++)
        {
            using var answer = await _device.ReportAsync(
                [.. Enumerable.Range(500 * batch, 500).Select(seq => (object)new { seq, at = 0, deployment = "999", state = "downloading" })]);
            Assert.True(answer.IsSuccessStatusCode);
        }

        await SweepAsync();

        Assert.Equal((TimelineRetention.Most, "start 1299"), (Count("kind = 'restarted'", _device.Id), Latest(_device.Id)));
        Assert.Equal(1, Count("kind = 'offered'", _device.Id));
        Assert.Equal(1, Count("who IS NOT NULL", _device.Id));
        Assert.Equal(1, Count("kind = 'enrolled'", _device.Id));
        Assert.Equal(TimelineRetention.Most, Count("kind = 'restarted'", other.Id));
        Assert.Equal((TimelineRetention.Most, 500L, 1499L), Reports());

        // What is sent again of what is still there counts once.
        using var again = await _device.ReportAsync(new { seq = 1499, at = 0, deployment = "999", state = "downloading" });
        Assert.True(again.IsSuccessStatusCode);
        Assert.Equal((TimelineRetention.Most, 500L, 1499L), Reports());
    }

    private async Task<string> KeyAsync() => (await _server.GetAsync("api/v1/products/kettle")).GetProperty("enrollmentKey").GetString()!;

    private Task SweepAsync() => _server.App.Services.GetRequiredService<TimelineRetention>().SweepAsync(TestContext.Current.CancellationToken);

    private Database Database => _server.App.Services.GetRequiredService<Database>();

    private Task FillAsync(string device, int entries) => Database.WriteAsync(
        connection =>
        {
            for (var start = 0; start < entries; start++)
                Timeline.Append(connection, device, at: 1, "restarted", $"start {start}");
        },
        CancellationToken.None);

    private int Count(string which, string device) => Database.Read(connection =>
        connection.ExecuteScalar<int>($"SELECT count(*) FROM timeline WHERE device = @device AND {which}", new { device }));

    private string? Latest(string device) => Database.Read(connection => connection.ExecuteScalar<string>(
        "SELECT text FROM timeline WHERE device = @device AND kind = 'restarted' ORDER BY number DESC LIMIT 1", new { device }));

    private (long Count, long First, long Last) Reports() => Database.Read(connection => connection.QuerySingle<(long, long, long)>(
        "SELECT count(*), min(seq), max(seq) FROM reports WHERE device = @Id", new { _device.Id }));
}
