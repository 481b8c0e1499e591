using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Rollouts;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>A server that slept in the middle of what it did, while another went on: what it decided before it slept is void.</summary>
public sealed class WokenServerTests : IAsyncLifetime
{
    private const int WriterLock = 0x6f7461;
    private RunningServer _server = null!;
    private ADevice _device = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.OnPostgreSqlAsync();
        _device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await _device.HeldAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task What_was_decided_before_a_sleep_that_is_longer_than_changes_are_kept_is_decided_again()
    {
        await using var other = await OtherAsync();
        await other.ExecuteAsync("SELECT pg_advisory_lock(@WriterLock)", new { WriterLock });
        _device.Starts++;
        var asking = _device.HeldAsync();
        while (await other.ExecuteScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 0)
            await Task.Delay(5, TestContext.Current.CancellationToken);
        await other.ExecuteAsync("UPDATE devices SET instruction = 99; SELECT note_change('image', 'x'); UPDATE changes SET at = now() - interval '2 hours'");
        Changes.Prune(other);
        await other.ExecuteAsync("SELECT pg_advisory_unlock(@WriterLock)", new { WriterLock });
        await asking;

        Assert.Equal(99, Count("SELECT instruction FROM devices"));
    }

    [Fact]
    public async Task A_rollout_that_was_paused_and_resumed_meanwhile_is_not_moved_on_by_who_decided_before()
    {
        var board = _server.App.Services.GetRequiredService<RolloutBoard>();
        var id = await StartAsync();
        var before = board.Find(id)!;
        foreach (var deed in (string[])["pause", "resume"])
            await _server.PostAsync($"api/v1/rollouts/{id}/{deed}", new { });

        Assert.Null(await board.ChangeAsync(before, before with { Wave = 2 }, RolloutClock.Who, "rollout.open", TestContext.Current.CancellationToken));
        Assert.Equal(1, Count("SELECT wave FROM rollouts"));
        Assert.Equal(0, Count("SELECT count(*) FROM audit WHERE action = 'rollout.open'"));
    }

    [Fact]
    public async Task A_rollout_that_another_server_paused_before_this_one_had_the_answer_to_its_own_change_is_paused_here()
    {
        var board = _server.App.Services.GetRequiredService<RolloutBoard>();
        var before = board.Find(await StartAsync())!;
        await using var other = await OtherAsync();
        await other.ExecuteAsync(
            """
            CREATE FUNCTION pauses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state = 'paused'; RETURN NEW; END $$;
            CREATE TRIGGER pauses BEFORE UPDATE ON rollouts FOR EACH ROW EXECUTE FUNCTION pauses()
            """);

        await board.ChangeAsync(before, before with { Wave = 2 }, RolloutClock.Who, "rollout.open", TestContext.Current.CancellationToken);

        Assert.Equal(RolloutState.Paused, Assert.Single(board.Of("kettle").LatestFirst).State);
    }

    [Fact]
    public async Task An_alert_that_was_judged_before_another_server_took_the_duty_is_not_written()
    {
        await using var other = await OtherAsync();
        await other.ExecuteAsync("UPDATE duties SET holder = 'another', until = until + 3600000");
        _server.Time.Ahead = TimeSpan.FromDays(3);
        var alerts = _server.App.Services.GetRequiredService<AlertWatch>();
        alerts.Sweep();
        await alerts.FlushAsync();
        Assert.Equal(0, Count("SELECT count(*) FROM alerts"));

        await other.ExecuteAsync("UPDATE duties SET until = 0");
        var patience = 0;
        while (Count("SELECT count(*) FROM alerts WHERE kind = 'silent'") == 0 && patience++ < 200)
        {
            alerts.Sweep();
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.Equal(1, Count("SELECT count(*) FROM alerts WHERE kind = 'silent'"));
    }

    private async Task<long> StartAsync() => (await _server.PostAsync(
        "api/v1/rollouts", new { product = "kettle", version = "1.0.0", waves = new[] { "10%", "50%", "rest" } })).GetProperty("id").GetInt64();

    private async Task<NpgsqlConnection> OtherAsync()
    {
        var connection = new NpgsqlConnection(_server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private long Count(string sql) => _server.App.Services.GetRequiredService<Database>().Read(connection => connection.ExecuteScalar<long>(sql));
}
