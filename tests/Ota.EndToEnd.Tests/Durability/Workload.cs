using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Durability;

/// <summary>
/// Developers and devices that use the server at once, written by hand so that they remember exactly what was acknowledged to them. They take any failure for
/// what it is when a server is killed, and ask again.
/// </summary>
internal sealed class Workload(OtaServer server, RSA releaseKey, string enrollmentKey, int seed) : IDisposable
{
    public const string Product = "durable";
    private static int _versions;
    private static long _reports;
    private readonly HttpClient _devices = new() { BaseAddress = server.Address };
    private readonly List<Unit> _units = [];

    /// <summary>SHA-256 of the image by release id, for uploads that were answered 201 or 200.</summary>
    public ConcurrentDictionary<string, string> Uploads { get; } = new();

    /// <summary>The order as it was handed out, by device and number.</summary>
    public ConcurrentDictionary<(string Device, long Number), string> Orders { get; } = new();

    /// <summary>Reports that were answered 204.</summary>
    public ConcurrentDictionary<(string Device, long Seq), string> Reports { get; } = new();

    /// <summary>Orders whose number came twice with another content; must stay empty.</summary>
    public ConcurrentBag<string> Contradictions { get; } = [];

    /// <summary>Enrolls devices; each asks for itself from then on.</summary>
    public async Task EnrollAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var answer = await _devices.PostAsJsonAsync("agent/v1/enroll", new
            {
                product = Product, enrollmentKey, hardwareId = $"unit-{i}", hardware = "virtual", running = "0.0.0",
            });
            answer.EnsureSuccessStatusCode();
            var identity = await answer.Content.ReadFromJsonAsync<JsonElement>();
            _units.Add(new Unit(identity.GetProperty("device").GetString()!, identity.GetProperty("token").GetString()!));
        }
    }

    /// <summary>Everyone at once, until the server is gone or the time is over.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(
        [UntilStoppedAsync(UploadAsync, stop), UntilStoppedAsync(UploadAsync, stop), UntilStoppedAsync(DeployAsync, stop),
         .. _units.Select(unit => UntilStoppedAsync(token => LiveAsync(unit, token), stop))]);

    public void Dispose() => _devices.Dispose();

    private static async Task UntilStoppedAsync(Func<CancellationToken, Task> act, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await act(stop);
            }
            catch (Exception gone) when (gone is HttpRequestException or SocketException or IOException or OperationCanceledException or JsonException)
            {
                // The server was killed in the middle: nothing was acknowledged, so nothing is remembered.
                if (stop.IsCancellationRequested)
                    return;
            }
        }
    }

    private async Task UploadAsync(CancellationToken stop)
    {
        var version = $"1.0.{Interlocked.Increment(ref _versions)}";
        var bytes = new byte[RandomNumberGenerator.GetInt32(100, 200_000)];
        RandomNumberGenerator.Fill(bytes);
        using var digests = new ImageDigests(bytes.Length);
        digests.Append(bytes);
        var image = digests.Describe("raw");
        var statement = new ReleaseStatement(Product, version, "application", ["virtual"], 0, 1767225600, image).Sign(releaseKey);
        using var form = new MultipartFormDataContent
        {
            { new StringContent(statement), "statement" },
            { new ByteArrayContent(bytes), "image", "image.bin" },
        };
        using var answer = await server.Staff.PostAsync($"api/v1/products/{Product}/releases", form, stop);
        if (answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK)
            Uploads[Jws.HashOf(statement)] = image.Sha256;
        else
            Contradictions.Add($"upload of {version}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(stop)}");
    }

    private async Task DeployAsync(CancellationToken stop)
    {
        var newest = Volatile.Read(ref _versions) - 2;
        var unit = _units[RandomNumberGenerator.GetInt32(_units.Count)];
        using var answer = await server.Staff.PostAsJsonAsync(
            "api/v1/deployments", new { product = Product, version = $"1.0.{newest}", device = unit.Device }, stop);
    }

    private async Task LiveAsync(Unit unit, CancellationToken stop)
    {
        using var checkIn = Request(unit, "agent/v1/check-in", new
        {
            running = "0.0.0", slot = "confirmed", securityCounter = 0, lastOrder = unit.LastOrder,
            restart = new { cause = "power-or-unknown", at = 0, count = 1 }, uptime = 1, rssi = -60, freeMemory = 1000, hardware = "virtual",
        });
        using var answer = await _devices.SendAsync(checkIn, stop);
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            var order = (await answer.Content.ReadFromJsonAsync<JsonElement>(stop)).GetProperty("order").GetString()!;
            var payload = JsonDocument.Parse(Payload(order)).RootElement;
            var number = payload.GetProperty("number").GetInt64();
            if (Orders.GetOrAdd((unit.Device, number), order) != order || number <= unit.LastOrder)
                Contradictions.Add($"{unit.Device} was handed order {number} with another content, or after it");
            // Sometimes it accepts, so that the next order must have a number of its own.
            if (RandomNumberGenerator.GetInt32(2) == 0)
                unit.LastOrder = number;
        }
        else if (answer.StatusCode != HttpStatusCode.NoContent)
        {
            Contradictions.Add($"check-in: {(int)answer.StatusCode}");
        }

        var reports = Enumerable.Range(0, 5)
            .Select(_ => new { seq = Interlocked.Increment(ref _reports), at = 0, deployment = "0", state = "downloading", detail = $"seed {seed}" })
            .ToArray();
        using var batch = Request(unit, "agent/v1/reports", reports);
        using var received = await _devices.SendAsync(batch, stop);
        if (received.StatusCode == HttpStatusCode.NoContent)
        {
            foreach (var report in reports)
                Reports[(unit.Device, report.seq)] = report.detail;
        }
    }

    private static HttpRequestMessage Request(Unit unit, string path, object body) => new(HttpMethod.Post, path)
    {
        Headers = { Authorization = new AuthenticationHeaderValue("Bearer", unit.Device + "." + unit.Token) },
        Content = JsonContent.Create(body),
    };

    private static string Payload(string order) =>
        Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(order.Split('.')[1]));

    private sealed class Unit(string device, string token)
    {
        public string Device { get; } = device;

        public string Token { get; } = token;

        public long LastOrder { get; set; }
    }
}
