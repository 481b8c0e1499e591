using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Npgsql;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Durability;

/// <summary>Two server processes on one PostgreSQL, of which one is killed or frozen in the middle of what it does.</summary>
public sealed class TwoServersKillTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Version = "1.1.0";
    private const int WriterLock = 0x6f7461;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly TemporaryFolder _folder = new();
    private readonly RSA _key = RSA.Create(3072);
    private readonly Dictionary<string, string> _uploads = [];
    private string _database = "";
    private OtaServer _one = null!;
    private OtaServer _two = null!;
    private NpgsqlConnection _own = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgreSql.Instance.NewDatabaseAsync();
        _own = new NpgsqlConnection(_database + ";Pooling=false");
        await _own.OpenAsync();
        _one = await OtaServer.NewAsync(_folder["one"], await AsUserAsync("one"), more: [.. OtaServer.WithoutLimits]);
    }

    public async ValueTask DisposeAsync()
    {
        await (_two?.DisposeAsync() ?? default);
        await _one.DisposeAsync();
        await _own.DisposeAsync();
        _key.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_rollout_goes_on_exactly_where_it_was_when_one_server_is_killed_and_the_other_frozen_in_the_middle_of_a_wave()
    {
        const int units = 240;
        var enrollmentKey = await AddProductAsync();
        _two = await StartTwoAsync();
        using var fleet = new BalancedFleet([_one, _two]);
        await fleet.EnrollAsync(_one, "kettle", enrollmentKey, units);
        var id = await StartRolloutAsync("40", "140", "rest");
        using var enough = new CancellationTokenSource();
        var living = fleet.RunAsync(Version, enough.Token);

        // In the first wave the one that has the duty is killed; the other takes it over and opens the second.
        await UntilAsync(() => Task.FromResult(fleet.Offered >= 10));
        var first = await HolderAsync();
        await _one.KillAsync();
        Assert.InRange(fleet.Offered, 10, 40);
        await UntilAsync(async () => await HolderAsync() is { } holder && holder != first);
        var second = await HolderAsync();
        await _one.StartAsync();
        await UploadAsync(_two, "1.2.0");

        // In the second it is frozen, with the lock of all writers in its hands, for longer than its lease; the first one takes over again.
        await UntilAsync(() => Task.FromResult(fleet.Offered >= 60));
        await FreezeInTheMiddleOfAWriteAsync(_two);
        await UntilAsync(async () => await HolderAsync() is { } holder && holder != second);
        await UploadAsync(_one, "1.3.0");
        await UntilAsync(async () => await CountAsync("SELECT count(*) FROM rollout_waves") == 3);
        var third = await HolderAsync();
        await _two.ResumeAsync();
        await UploadAsync(_two, "1.4.0");

        await UntilAsync(async () => fleet.Settled == units && await StateAsync(_one, id) == "completed" && await StateAsync(_two, id) == "completed");
        await enough.CancelAsync();
        await living;

        Assert.Empty(fleet.Contradictions);
        Assert.Equal(third, await HolderAsync());
        await EachWaveOnceAsync(id, 40, 100, 100);
        await NothingIsLostAsync(fleet, units);
        output.WriteLine($"orders {fleet.Orders.Count}, reports {fleet.Reports.Count}, uploads {_uploads.Count}: none lost, none twice");
    }

    [Fact]
    public async Task A_server_that_freezes_while_it_looks_for_what_is_due_keeps_no_other_from_doing_it()
    {
        var enrollmentKey = await AddProductAsync();
        var id = await StartRolloutAsync("1", "rest");
        await using (var looking = await _own.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await _own.ExecuteAsync("SELECT * FROM qrtz_locks FOR UPDATE");
            await UntilAsync(async () => await CountAsync(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ota jobs' AND wait_event_type = 'Lock'") > 0);
            await _one.FreezeAsync();
            await looking.RollbackAsync(TestContext.Current.CancellationToken);
        }

        _two = await StartTwoAsync();
        using var fleet = new BalancedFleet([_two]);
        await fleet.EnrollAsync(_two, "kettle", enrollmentKey, 3);
        using var enough = new CancellationTokenSource();
        var living = fleet.RunAsync(Version, enough.Token);
        await UntilAsync(async () => fleet.Settled == 3 && await StateAsync(_two, id) == "completed");
        await _one.ResumeAsync();
        await UntilAsync(async () => await StateAsync(_one, id) == "completed");
        await enough.CancelAsync();
        await living;

        Assert.Empty(fleet.Contradictions);
        await EachWaveOnceAsync(id, 1, 2);
    }

    // A user for each, so that the database tells whose connection it is.
    private async Task<string> AsUserAsync(string name)
    {
        var user = $"{name}_{Guid.NewGuid():N}";
        await _own.ExecuteAsync($"CREATE ROLE {user} SUPERUSER LOGIN");
        return new NpgsqlConnectionStringBuilder(_database) { Username = user }.ToString();
    }

    private async Task<OtaServer> StartTwoAsync() =>
        await OtaServer.NewAsync(_folder["two"], await AsUserAsync("two"), beside: _one.Data, more: [.. OtaServer.WithoutLimits]);

    private async Task<string> AddProductAsync()
    {
        using var added = await _one.Staff.PostAsJsonAsync("api/v1/products", new
        {
            name = "kettle", hardware = new[] { "virtual" }, releaseKeys = new[] { _key.ExportSubjectPublicKeyInfoPem() },
        });
        added.EnsureSuccessStatusCode();
        await UploadAsync(_one, Version);
        return (await added.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("enrollmentKey").GetString()!;
    }

    private async Task<long> StartRolloutAsync(params string[] waves)
    {
        using var answer = await _one.Staff.PostAsJsonAsync("api/v1/rollouts", new
        {
            product = "kettle", version = Version, waves, advance = "confirmed >= 100% and soaked 1s", stop = "failed+reverted > 5%",
        });
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64();
    }

    private async Task UploadAsync(OtaServer server, string version)
    {
        var bytes = Encoding.ASCII.GetBytes("firmware " + version);
        using var digests = new ImageDigests(bytes.Length);
        digests.Append(bytes);
        var image = digests.Describe("raw");
        using var form = new MultipartFormDataContent
        {
            { new StringContent(new ReleaseStatement("kettle", version, "application", ["virtual"], 0, 1767225600, image).Sign(_key)), "statement" },
            { new ByteArrayContent(bytes), "image", "image.bin" },
        };
        using var answer = await server.Staff.PostAsync("api/v1/products/kettle/releases", form);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        _uploads[version] = image.Sha256;
    }

    // It waits for the writers' lock, and is given it when it is frozen.
    private async Task FreezeInTheMiddleOfAWriteAsync(OtaServer server)
    {
        var user = new NpgsqlConnectionStringBuilder(server.Database).Username;
        await _own.ExecuteAsync("SELECT pg_advisory_lock(@WriterLock)", new { WriterLock });
        await UntilAsync(async () => await WritersAsync("l.locktype = 'advisory' AND NOT l.granted") > 0);
        await server.FreezeAsync();
        await _own.ExecuteAsync("SELECT pg_advisory_unlock(@WriterLock)", new { WriterLock });
        await UntilAsync(async () => await WritersAsync("l.locktype = 'advisory' AND l.granted AND a.state = 'idle in transaction'") > 0);
        await UntilAsync(async () => await WritersAsync("true") == 0);

        Task<long> WritersAsync(string which) => _own.ExecuteScalarAsync<long>(
            $"""
            SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
            WHERE a.application_name = 'ota writer' AND a.usename = @user AND {which}
            """, new { user });
    }

    private async Task EachWaveOnceAsync(long id, params long[] devices)
    {
        Assert.Equal(
            Enumerable.Range(1, devices.Length).Select(wave => (long)wave),
            await _own.QueryAsync<long>("SELECT wave FROM rollout_waves WHERE rollout = @id ORDER BY wave", new { id }));
        Assert.Equal(
            ["rollout.start", .. Enumerable.Repeat("rollout.open", devices.Length - 1), "rollout.complete"],
            await _own.QueryAsync<string>("SELECT action FROM audit WHERE action LIKE 'rollout.%' ORDER BY number"));
        Assert.Equal(
            Enumerable.Range(2, devices.Length - 1).Select(wave => $"rollout {id}, wave {wave}"),
            await _own.QueryAsync<string>("SELECT detail FROM audit WHERE action = 'rollout.open' ORDER BY number"));
        Assert.Equal(0, await CountAsync("SELECT max(number) - count(*) FROM audit"));
        Assert.Equal(
            devices, await _own.QueryAsync<long>("SELECT count(*) FROM deployments WHERE state = 'confirmed' GROUP BY wave ORDER BY wave"));
    }

    private async Task NothingIsLostAsync(BalancedFleet fleet, int units)
    {
        var deployments = (await _own.QueryAsync<(string, long)>("SELECT device, id FROM deployments")).ToHashSet();
        Assert.Equal(units, deployments.Select(deployment => deployment.Item1).Distinct().Count());
        Assert.Equal(units, deployments.Count);
        Assert.Equal(deployments, fleet.Deployments.Keys.ToHashSet());
        Assert.Equal(units, await CountAsync("SELECT count(*) FROM timeline WHERE kind = 'offered'"));
        Assert.Empty(fleet.Orders.Keys.Except(await _own.QueryAsync<(string, long)>("SELECT device, number FROM orders")));
        Assert.Empty(fleet.Reports.Keys.Except(await _own.QueryAsync<(string, long)>("SELECT device, seq FROM reports")));
        foreach (var server in (OtaServer[])[_one, _two])
        {
            var listed = (await server.Staff.GetFromJsonAsync<JsonElement[]>("api/v1/products/kettle/releases"))!.ToDictionary(
                release => release.GetProperty("version").GetString()!, release => release.GetProperty("image").GetProperty("sha256").GetString()!);
            Assert.Equal(_uploads.OrderBy(upload => upload.Key), listed.OrderBy(release => release.Key));
            foreach (var image in listed.Values)
                Assert.Equal(image, Convert.ToHexStringLower(SHA256.HashData(await server.Staff.GetByteArrayAsync($"images/{image}"))));
        }
    }

    private static async Task<string?> StateAsync(OtaServer server, long id) =>
        (await server.Staff.GetFromJsonAsync<JsonElement>($"api/v1/rollouts/{id}")).GetProperty("state").GetString();

    private Task<string?> HolderAsync() => _own.ExecuteScalarAsync<string?>("SELECT holder FROM duties");

    private Task<long> CountAsync(string sql) => _own.ExecuteScalarAsync<long>(sql);

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await isSo())
            await Task.Delay(10, patience.Token);
    }
}
