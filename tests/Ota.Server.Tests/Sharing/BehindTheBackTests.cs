using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Releases;
using Ota.Server.Secrets;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>What stands in the database and a server has not heard of: a commit whose answer was lost, a notice that comes late.</summary>
public sealed class BehindTheBackTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.OnPostgreSqlAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await _device.HeldAsync();
        await _device.HeldAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_key_whose_revocation_was_committed_and_never_answered_is_good_no_longer()
    {
        using var support = await _server.AsAsync("support");
        await ItselfAsync("UPDATE staff_keys SET revoked = 1 WHERE role = 'Support'");

        await SeenAsync(async () =>
        {
            using var answer = await support.GetAsync("api/v1/whoami");
            return answer.StatusCode == HttpStatusCode.Unauthorized;
        });
    }

    [Fact]
    public async Task Who_changes_a_key_or_a_release_here_sees_what_another_server_made_of_the_others()
    {
        using var support = await _server.AsAsync("support");
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await UnnoticedAsync("UPDATE staff_keys SET revoked = 1 WHERE role = 'Support'; UPDATE releases SET withdrawn = 1, withdrawn_reason = 'smoke'");

        using var developer = await _server.AsAsync("developer");
        await _server.UploadedAsync(ABuild.Of("2.0.0", "second"));

        using var refused = await support.GetAsync("api/v1/whoami");
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var releases = _server.App.Services.GetRequiredService<ReleaseCatalog>();
        Assert.Equal("smoke", Assert.Single(releases.All(), release => release.Version == "1.0.0").WithdrawnReason);
    }

    [Fact]
    public async Task A_device_whose_change_was_committed_when_the_writer_broke_is_seen_as_it_is()
    {
        await ItselfAsync("UPDATE devices SET group_name = 'kitchens'");
        await ItselfAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ota writer' AND datname = current_database()");

        await SeenAsync(async () => (await _device.ShownAsync()).GetProperty("group").GetString() == "kitchens");
    }

    [Fact]
    public async Task An_alert_of_a_device_that_is_not_known_yet_stops_no_server()
    {
        await UnnoticedAsync(
            """
            INSERT INTO devices SELECT (jsonb_populate_record(d, '{"id":"elsewhere","hardware_id":"02:00:00:00:00:09"}')).* FROM devices d LIMIT 1;
            INSERT INTO samples (device, at, rssi, uptime, free_memory, restarts, cause)
            SELECT 'elsewhere', (extract(epoch FROM now()) * 1000)::bigint - n * 1000, -60, 1, 1, 10 - n, 'crash' FROM generate_series(1, 5) n;
            INSERT INTO alerts (number, device, product, kind, opened, detail) VALUES (99, 'elsewhere', 'kettle', 'silent', 1, 'x')
            """);

        _server.App.Services.GetRequiredService<AlertWatch>().Load();
    }

    [Fact]
    public async Task A_device_that_another_server_handed_an_order_of_a_new_rollout_keeps_it_here()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.UploadedAsync(ABuild.Of("2.0.0", "second"));
        await UnnoticedAsync(
            $"""
            INSERT INTO rollouts (id, product, version, kind, target, state, created, created_by)
            VALUES (77, 'kettle', '2.0.0', 'application', 'all', 'active', 1, 'x');
            INSERT INTO deployments (id, rollout, device, product, release, state, created, created_by, offered, order_number, order_issued,
                                     order_expires, action, first_order)
            SELECT 78, 77, '{_device.Id}', 'kettle', id, 'offered', 1, 'x', 1, 1, 1, 1, 'install', 1 FROM releases WHERE version = '2.0.0';
            UPDATE counters SET value = 78 WHERE name = 'instruction';
            UPDATE devices SET instruction = 77, order_number = 1, state = 'offered'
            """);

        _device.Starts++;
        var order = await _device.OfferedAsync();

        Assert.Equal("78", order.GetProperty("deployment").GetString());
        Assert.Equal(0, Count("SELECT count(*) FROM deployments WHERE ended IS NOT NULL"));
    }

    [Fact]
    public async Task A_device_of_a_product_that_another_server_has_just_added_is_answered_here()
    {
        var master = _server.App.Services.GetRequiredService<MasterSecret>();
        await UnnoticedAsync(
            """
            INSERT INTO products SELECT (jsonb_populate_record(p, '{"name":"pan"}')).* FROM products p LIMIT 1;
            INSERT INTO devices SELECT (jsonb_populate_record(d, '{"id":"elsewhere","hardware_id":"02:00:00:00:00:09","product":"pan"}')).* FROM devices d LIMIT 1
            """);
        var device = new ADevice(_server, "elsewhere", Base64Url.EncodeToString(master.Token("elsewhere", 1)));

        await device.HeldAsync();
    }

    [Fact]
    public async Task A_device_of_a_product_that_is_not_known_yet_stops_no_watch()
    {
        await UnnoticedAsync(
            """
            INSERT INTO products SELECT (jsonb_populate_record(p, '{"name":"pan"}')).* FROM products p LIMIT 1;
            INSERT INTO devices SELECT (jsonb_populate_record(d, '{"id":"elsewhere","hardware_id":"02:00:00:00:00:09","product":"pan"}')).* FROM devices d LIMIT 1
            """);
        await _server.App.Services.GetRequiredService<Fleet>().RenewAsync(["elsewhere"], TestContext.Current.CancellationToken);
        _server.Time.Ahead = TimeSpan.FromDays(3);

        _server.App.Services.GetRequiredService<AlertWatch>().Sweep();
    }

    [Fact]
    public async Task An_image_that_another_server_gave_up_a_moment_ago_is_brought_back_by_sending_its_build_again()
    {
        var build = ABuild.Of("1.0.0");
        await _server.UploadedAsync(build);
        await UnnoticedAsync("UPDATE images SET deleted = 1");
        File.Delete(_server.FileOf(build));

        await _server.UploadedAsync(build);

        Assert.True(File.Exists(_server.FileOf(build)));
        Assert.Equal(0, Count("SELECT count(*) FROM images WHERE deleted IS NOT NULL"));
    }

    [Fact]
    public async Task What_another_server_saw_to_be_needed_keeps_its_days_when_the_duty_changes_hands()
    {
        var build = ABuild.Of("1.0.0", "first");
        await _server.UploadedAsync(build);
        await _server.UploadedAsync(ABuild.Of("2.0.0", "second"));
        await _server.RetainAsync(keep: 1, days: 10);
        _server.Time.Ahead = TimeSpan.FromDays(20);
        await UnnoticedAsync($"UPDATE releases SET needed = {_server.Time.GetUtcNow().AddDays(-1).ToUnixTimeMilliseconds()} WHERE version = '1.0.0'");

        await _server.RetentionPassAsync();

        Assert.True(File.Exists(_server.FileOf(build)));
        _server.Time.Ahead = TimeSpan.FromDays(30);
        await _server.RetentionPassAsync();
        Assert.False(File.Exists(_server.FileOf(build)));
    }

    [Fact]
    public async Task What_a_device_said_here_is_not_written_over_what_it_has_since_said_elsewhere()
    {
        var later = _server.Time.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds();
        await UnnoticedAsync($"UPDATE devices SET running = '2.0.0', last_seen = {later}");
        var batches = Count("SELECT count(*) FROM changes WHERE kind = 'heard'");
        await _device.HeldAsync();
        await SeenAsync(() => Task.FromResult(Count("SELECT count(*) FROM changes WHERE kind = 'heard'") > batches));

        Assert.Equal(1, Count("SELECT count(*) FROM devices WHERE running = '2.0.0'"));
    }

    [Fact]
    public async Task A_text_that_postgresql_cannot_keep_is_refused_and_what_follows_is_taken()
    {
        using var refused = await _server.Admin.PutAsJsonAsync($"api/v1/devices/{_device.Id}/group", new { group = "a\0b" });
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        using var reason = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{_device.Id}/decommission", new { reason = "a\0b" });
        Assert.Equal(HttpStatusCode.BadRequest, reason.StatusCode);
        using var site = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{_device.Id}/provision", new { site = "a\0b" });
        Assert.Contains(site.StatusCode, (HttpStatusCode[])[HttpStatusCode.BadRequest, HttpStatusCode.NotFound]);

        // A unit sends what was not taken again and again, and all that comes after with it.
        using var report = await _device.ReportAsync(new { seq = 1, at = 0, deployment = "1", state = "failed", detail = "a\0b" });
        Assert.Equal(HttpStatusCode.NoContent, report.StatusCode);
    }

    [Theory]
    [InlineData("Host=db;Username=ota;Password=open;sesame=1")]
    [InlineData("Host=db;Username=ota;Password=open;sesame")]
    [InlineData("Host=db;Username=ota;Password='open;Port=sesame")]
    [InlineData("Host=db;Username=ota;Port=sesame")]
    public async Task What_stands_behind_a_semicolon_in_a_password_is_not_repeated(string connectionString)
    {
        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.OnPostgreSqlAsync(connectionString));

        Assert.DoesNotContain("sesame", fault.ToString(), StringComparison.Ordinal);
    }

    private long Count(string sql) => _server.App.Services.GetRequiredService<Database>().Read(connection => connection.ExecuteScalar<long>(sql));

    // As this server's own writer would.
    private Task ItselfAsync(string sql) =>
        RunAsync($"SET ota.server = '{((PostgresDatabase)_server.App.Services.GetRequiredService<Database>()).Me}'", sql);

    // As if the notice of it had yet to come.
    private Task UnnoticedAsync(string sql) => RunAsync("SET session_replication_role = replica", sql);

    private async Task RunAsync(string setting, string sql)
    {
        await using var connection = new NpgsqlConnection(_server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await connection.ExecuteAsync(setting);
        await connection.ExecuteAsync(sql);
    }

    private static async Task SeenAsync(Func<Task<bool>> isSeen)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await isSeen())
            await Task.Delay(20, patience.Token);
    }
}
