using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Ota.EndToEnd.Tests.Durability;

/// <summary>
/// Units that ask one server or the other, as a balancer sends them, install what they are offered and remember exactly what was acknowledged
/// to them. A server that is killed or does not answer costs them two seconds, and they ask again.
/// </summary>
internal sealed class BalancedFleet(IReadOnlyList<OtaServer> servers) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { Timeout = TimeSpan.FromSeconds(2) };
    private readonly List<Unit> _units = [];
    private int _offered;

    /// <summary>The order as it was handed out, by device and number.</summary>
    public ConcurrentDictionary<(string Device, long Number), string> Orders { get; } = new();

    /// <summary>Deployments by the device that was offered them.</summary>
    public ConcurrentDictionary<(string Device, long Deployment), bool> Deployments { get; } = new();

    /// <summary>Reports that were answered 204.</summary>
    public ConcurrentDictionary<(string Device, long Seq), bool> Reports { get; } = new();

    /// <summary>What no server may do; must stay empty.</summary>
    public ConcurrentBag<string> Contradictions { get; } = [];

    /// <summary>Units that were offered something.</summary>
    public int Offered => Volatile.Read(ref _offered);

    /// <summary>Units that run what they were offered, and a server said that this is well.</summary>
    public int Settled => _units.Count(unit => unit.IsSettled);

    public async Task EnrollAsync(OtaServer server, string product, string enrollmentKey, int count) =>
        await Parallel.ForAsync(0, count, async (i, cancellation) =>
        {
            using var answer = await server.Staff.PostAsJsonAsync(
                "agent/v1/enroll", new { product, enrollmentKey, hardwareId = $"unit-{i}", hardware = "virtual", running = "0.0.0" }, cancellation);
            answer.EnsureSuccessStatusCode();
            var identity = await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation);
            lock (_units)
                _units.Add(new Unit(identity.GetProperty("device").GetString()!, identity.GetProperty("token").GetString()!));
        });

    /// <summary>All of them live until it is enough.</summary>
    public Task RunAsync(string version, CancellationToken enough) => Task.WhenAll(_units.Select(unit => LiveAsync(unit, version, enough)));

    public void Dispose() => _client.Dispose();

    private async Task LiveAsync(Unit unit, string version, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            // Seldom at the same moment, as units are.
            await Task.Delay(Random.Shared.Next(300, 1500), CancellationToken.None);
            try
            {
                var server = servers[Random.Shared.Next(servers.Count)];
                await CheckInAsync(unit, server, version);
                await ReportAsync(unit, server);
            }
            catch (Exception gone) when (gone is HttpRequestException or IOException or SocketException or TaskCanceledException)
            {
                // Killed or frozen: nothing was acknowledged, so nothing is remembered.
            }
        }
    }

    private async Task CheckInAsync(Unit unit, OtaServer server, string version)
    {
        using var answer = await PostAsync(unit, server, "agent/v1/check-in", new
        {
            running = unit.Running, release = unit.Release, slot = "confirmed", securityCounter = 0, lastOrder = unit.LastOrder,
            restart = new { cause = "update", at = 0, count = unit.Release is null ? 1 : 2 }, uptime = 1, rssi = -60, freeMemory = 1000,
            hardware = "virtual",
        });
        switch (answer.StatusCode)
        {
            case HttpStatusCode.OK:
                Take(unit, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("order").GetString()!, version);
                break;
            case HttpStatusCode.NoContent:
                unit.IsSettled = unit.Release is not null;
                break;
            case HttpStatusCode.ServiceUnavailable:
                break;
            default:
                Contradictions.Add($"check-in: {(int)answer.StatusCode}");
                break;
        }
    }

    private void Take(Unit unit, string order, string version)
    {
        var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(order.Split('.')[1])).RootElement;
        var number = payload.GetProperty("number").GetInt64();
        if (Orders.GetOrAdd((unit.Device, number), order) != order)
            Contradictions.Add($"{unit.Device} was handed order {number} with another content");
        if (unit.Release is not null)
            Contradictions.Add($"{unit.Device} was handed order {number} although it runs what it is to run");
        Deployments[(unit.Device, long.Parse(payload.GetProperty("deployment").GetString()!, null))] = true;
        if (unit.LastOrder == 0)
            Interlocked.Increment(ref _offered);
        (unit.LastOrder, unit.Running, unit.Release) = (number, version, payload.GetProperty("release").GetString());
    }

    private async Task ReportAsync(Unit unit, OtaServer server)
    {
        var seq = unit.Seq++;
        using var answer = await PostAsync(
            unit, server, "agent/v1/reports", new[] { new { seq, at = 0, deployment = "0", state = "downloading", detail = "x" } });
        if (answer.StatusCode == HttpStatusCode.NoContent)
            Reports[(unit.Device, seq)] = true;
    }

    private async Task<HttpResponseMessage> PostAsync(Unit unit, OtaServer server, string path, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, path))
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", unit.Device + "." + unit.Token) },
            Content = JsonContent.Create(body),
        };
        return await _client.SendAsync(request);
    }

    private sealed class Unit(string device, string token)
    {
        public string Device { get; } = device;

        public string Token { get; } = token;

        public string Running { get; set; } = "0.0.0";

        public string? Release { get; set; }

        public long LastOrder { get; set; }

        public long Seq { get; set; } = 1;

        public bool IsSettled { get; set; }
    }
}
