using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Durability;

/// <summary>
/// The server is killed while devices confirm and somebody's server is told of it: whatever was confirmed is told, at least
/// once and under one id.
/// </summary>
public sealed class WebhookKillTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Seed = 20263;
    private const int Units = 6;
    private static readonly int Kills = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 200 : 15;
    private readonly TemporaryFolder _folder = new();

    // By deployment: the ids under which it was told, once for each time.
    private readonly ConcurrentDictionary<long, ConcurrentBag<string>> _told = new();
    private readonly ConcurrentBag<string> _unsigned = [];
    private readonly ConcurrentDictionary<long, bool> _acknowledged = new();
    private readonly List<Unit> _units = [];
    private OtaServer _server = null!;
    private StubServer _receiver = null!;
    private HttpClient _devices = null!;
    private byte[] _secret = [];

    static WebhookKillTests() => SQLitePCL.Batteries_V2.Init();

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"], more: [.. OtaServer.WithoutLimits]);
        _devices = new HttpClient { BaseAddress = _server.Address };
        _receiver = await StubServer.StartAsync(TakeAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _receiver.DisposeAsync();
        _devices.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_was_confirmed_is_told_at_least_once_and_under_one_id_whenever_the_server_is_killed()
    {
        await SetUpAsync();
        var random = new Random(Seed);
        for (var kill = 1; kill <= Kills; kill++)
        {
            using var stop = new CancellationTokenSource();
            var living = Task.WhenAll(_units.Select(unit => LiveAsync(unit, stop.Token)));
            // The moment is what is random here: somewhere between confirming and telling.
            await Task.Delay(random.Next(50, 900), TestContext.Current.CancellationToken);
            await _server.KillAsync();
            await stop.CancelAsync();
            await living;
            await _server.StartAsync();
        }

        var confirmed = await EverythingToldAsync();
        Assert.Empty(_unsigned);
        Assert.Empty(_acknowledged.Keys.Except(confirmed));
        Assert.Equal(confirmed.Order(), _told.Keys.Order());
        Assert.All(_told.Values, ids => Assert.Single(ids.Distinct()));
        Assert.Equal(_told.Count, _told.Values.SelectMany(ids => ids).Distinct().Count());
        var times = _told.Values.Sum(ids => ids.Count);
        var said = $"kills: {Kills}, confirmed: {confirmed.Length}, told: {times} times under {_told.Count} ids, lost: 0";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.True(confirmed.Length > Kills, said);
    }

    private async Task SetUpAsync()
    {
        using var key = RSA.Create(3072);
        var product = await PostAsync("api/v1/products", new
        {
            name = "kettle", hardware = new[] { "virtual" }, releaseKeys = new[] { key.ExportSubjectPublicKeyInfoPem() },
        });
        foreach (var version in (string[])["1.0.0", "1.1.0"])
            await UploadAsync(version, key);
        var webhook = await PostAsync(
            "api/v1/products/kettle/webhooks", new { url = _receiver.Address + "/hook", events = new[] { "deployment.confirmed" } });
        _secret = Convert.FromBase64String(webhook.GetProperty("secret").GetString()!["whsec_".Length..]);
        for (var i = 0; i < Units; i++)
        {
            var identity = await PostAsync("agent/v1/enroll", new
            {
                product = "kettle", enrollmentKey = product.GetProperty("enrollmentKey").GetString(), hardwareId = $"unit-{i}",
                hardware = "virtual", running = "0.0.0",
            });
            _units.Add(new Unit(identity.GetProperty("device").GetString()!, identity.GetProperty("token").GetString()!));
        }
    }

    private async Task UploadAsync(string version, RSA key)
    {
        var bytes = Encoding.ASCII.GetBytes("firmware " + version);
        using var digests = new ImageDigests(bytes.Length);
        digests.Append(bytes);
        var image = digests.Describe("raw");
        var statement = new ReleaseStatement("kettle", version, "application", ["virtual"], 0, 1767225600, image).Sign(key);
        using var form = new MultipartFormDataContent
        {
            { new StringContent(statement), "statement" },
            { new ByteArrayContent(bytes), "image", "image.bin" },
        };
        using var answer = await _server.Staff.PostAsync("api/v1/products/kettle/releases", form);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await _server.Staff.PostAsJsonAsync(path, body);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    // One version after the other, for as long as the server is there.
    private async Task LiveAsync(Unit unit, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
                await StepAsync(unit, stop);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or SocketException or OperationCanceledException)
        {
            // Killed, as wanted.
        }
    }

    private async Task StepAsync(Unit unit, CancellationToken stop)
    {
        using var checkIn = new HttpRequestMessage(HttpMethod.Post, "agent/v1/check-in")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", unit.Device + "." + unit.Token) },
            Content = JsonContent.Create(new
            {
                running = unit.Running, release = unit.Release, slot = "confirmed", securityCounter = 0, lastOrder = unit.LastOrder,
                restart = new { cause = "update", at = 0, count = 1 }, uptime = 1, rssi = -60, freeMemory = 1000, hardware = "virtual",
            }),
        };
        using var answer = await _devices.SendAsync(checkIn, stop);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            var order = (await answer.Content.ReadFromJsonAsync<JsonElement>(stop)).GetProperty("order").GetString()!;
            var payload = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(order.Split('.')[1])).RootElement;
            unit.LastOrder = payload.GetProperty("number").GetInt64();
            unit.Release = payload.GetProperty("release").GetString();
            unit.Deployment = long.Parse(payload.GetProperty("deployment").GetString()!, null);
            unit.Running = unit.Running == "1.0.0" ? "1.1.0" : "1.0.0";
            return;
        }

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        if (unit.Deployment > 0)
            _acknowledged[unit.Deployment] = true;
        using var ordered = await _server.Staff.PostAsJsonAsync("api/v1/deployments", new
        {
            product = "kettle", version = unit.Running == "1.0.0" ? "1.1.0" : "1.0.0", device = unit.Device,
        }, stop);
    }

    // Checks the signature as the convention has it, with nothing of ours.
    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        var headers = context.Request.Headers;
        var id = headers["webhook-id"].ToString();
        var signature = "v1," + Convert.ToBase64String(
            HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"{id}.{headers["webhook-timestamp"]}.{body}")));
        if (signature != headers["webhook-signature"])
            _unsigned.Add(body);
        var deployment = JsonDocument.Parse(body).RootElement.GetProperty("data").GetProperty("deployment").GetInt64();
        _told.GetOrAdd(deployment, _ => []).Add(id);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    // The deployments that the server says are confirmed, once nothing waits to be told.
    private async Task<long[]> EverythingToldAsync()
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(_folder["data"], "ota.db")};Mode=ReadOnly");
        database.Open();
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (database.ExecuteScalar<long>("SELECT count(*) FROM webhook_outbox") > 0)
            await Task.Delay(100, deadline.Token);
        return [.. database.Query<long>("SELECT id FROM deployments WHERE state = 'confirmed'")];
    }

    private sealed class Unit(string device, string token)
    {
        public string Device { get; } = device;

        public string Token { get; } = token;

        public string Running { get; set; } = "0.0.0";

        public string? Release { get; set; }

        public long LastOrder { get; set; }

        /// <summary>The one it was handed last; 0 for none.</summary>
        public long Deployment { get; set; }
    }
}
