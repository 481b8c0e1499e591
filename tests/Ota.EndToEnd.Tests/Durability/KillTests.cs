using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Ota.EndToEnd.Tests.Durability;

public sealed class KillTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Seed = 20261;
    static KillTests() => SQLitePCL.Batteries_V2.Init();

    private static readonly int Kills = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 1000 : 40;
    private readonly TemporaryFolder _folder = new();
    private readonly HashSet<string> _wholeImages = [];
    private OtaServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await OtaServer.NewAsync(_folder["data"], more: [.. OtaServer.WithoutLimits]);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_was_acknowledged_survives_being_killed_at_any_moment()
    {
        using var key = RSA.Create(3072);
        using var workload = await SetUpAsync(key);
        var random = new Random(Seed);
        for (var kill = 1; kill <= Kills; kill++)
        {
            using var stop = new CancellationTokenSource();
            var running = workload.RunAsync(stop.Token);
            // The moment is what is random here: any at all, or one soon after an upload or an order was acknowledged, which a busy machine does later.
            var (uploads, orders) = (workload.Uploads.Count + (kill % 3 == 1 ? 1 : 0), workload.Orders.Count + (kill % 3 == 2 ? 1 : 0));
            for (var left = 3000; left > 0 && (workload.Uploads.Count < uploads || workload.Orders.Count < orders); left--)
                await Task.Delay(10, TestContext.Current.CancellationToken);
            await Task.Delay(random.Next(5, 300), TestContext.Current.CancellationToken);
            await _server.KillAsync();
            await stop.CancelAsync();
            await running;

            Assert.Empty(workload.Contradictions);
            ImagesAreWhole();
            await _server.StartAsync();
            if (kill % 20 == 0 || kill == Kills)
                await EverythingIsThereAsync(workload);
        }

        var said = $"kills: {Kills}, acknowledged uploads/orders/reports: {workload.Uploads.Count}/{workload.Orders.Count}/{workload.Reports.Count}, lost: 0";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.True(workload.Uploads.Count > Kills / 4 && workload.Orders.Count > Kills / 4 && workload.Reports.Count > Kills, said);
    }

    private async Task<Workload> SetUpAsync(RSA key)
    {
        var added = await _server.Staff.PostAsJsonAsync("api/v1/products", new
        {
            name = Workload.Product, hardware = new[] { "virtual" }, releaseKeys = new[] { key.ExportSubjectPublicKeyInfoPem() },
        });
        added.EnsureSuccessStatusCode();
        var enrollmentKey = (await added.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("enrollmentKey").GetString()!;
        var workload = new Workload(_server, key, enrollmentKey, Seed);
        await workload.EnrollAsync(8);
        return workload;
    }

    // While the server is down: whatever has an image's name must have its bytes.
    private void ImagesAreWhole()
    {
        var store = Path.Combine(_folder["data"], "releases", ".images");
        foreach (var path in Directory.EnumerateFiles(store, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetFileName(path);
            if (path.Contains(".incoming", StringComparison.Ordinal) || !_wholeImages.Add(name))
                continue;
            Assert.Equal(name, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
        }
    }

    private async Task EverythingIsThereAsync(Workload workload)
    {
        var listed = await _server.Staff.GetFromJsonAsync<JsonElement[]>($"api/v1/products/{Workload.Product}/releases");
        var releases = listed!.ToDictionary(
            release => release.GetProperty("id").GetString()!, release => release.GetProperty("image").GetProperty("sha256").GetString()!);
        foreach (var (id, sha256) in workload.Uploads)
            Assert.Equal(sha256, releases.GetValueOrDefault(id));
        // Every release that is listed, acknowledged or not, has its image.
        Assert.Empty(releases.Values.Except(_wholeImages));
        var last = releases.Values.Last();
        var bytes = await _server.Staff.GetByteArrayAsync($"images/{last}");
        Assert.Equal(last, Convert.ToHexStringLower(SHA256.HashData(bytes)));

        using var database = new SqliteConnection($"Data Source={Path.Combine(_folder["data"], "ota.db")};Mode=ReadOnly");
        database.Open();
        var orders = database.Query<(string, long)>("SELECT device, number FROM orders").ToHashSet();
        Assert.Empty(workload.Orders.Keys.Except(orders));
        var reports = database.Query<(string, long)>("SELECT device, seq FROM reports").ToHashSet();
        Assert.Empty(workload.Reports.Keys.Except(reports));
        Assert.Equal(0, database.ExecuteScalar<long>("SELECT max(number) - count(*) FROM audit"));
        Assert.Equal("ok", database.ExecuteScalar<string>("PRAGMA quick_check"));
        Assert.Equal(HttpStatusCode.OK, (await _server.Staff.GetAsync("api/v1/whoami")).StatusCode);
    }
}
