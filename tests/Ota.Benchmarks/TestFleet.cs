using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Signing;

namespace Ota.Benchmarks;

/// <summary>A product, a signed release and devices, all made through the server's own API.</summary>
internal sealed class TestFleet(Uri server)
{
    public const int Size = 1024;
    private const string Hardware = "bench-board";
    private const string Bearer = "Bearer";
    private JsonElement _product;

    /// <summary>What goes into the Authorization header of each device.</summary>
    public IReadOnlyList<string> Tokens { get; private set; } = [];

    /// <summary>An admin's.</summary>
    public string StaffKey { get; private set; } = "";

    public string ImagePath { get; private set; } = "";

    public async Task MakeAsync(string adminKey, byte[] image)
    {
        StaffKey = adminKey;
        using var client = new HttpClient { BaseAddress = server };
        using var rsa = RSA.Create(ReleaseKey.Bits);
        var staff = new AuthenticationHeaderValue(Bearer, adminKey);
        _product = await AddProductAsync(client, staff, ReleaseKey.Of(rsa, out _)!);
        await UploadAsync(client, staff, rsa, image);
        await GrowAsync(Size);
    }

    /// <summary>Enrolls more devices until there are so many.</summary>
    public async Task GrowAsync(int size)
    {
        using var client = new HttpClient { BaseAddress = server };
        var tokens = new string[size];
        Tokens.ToArray().CopyTo(tokens, 0);
        await Parallel.ForAsync(Tokens.Count, size, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, cancellation) =>
            tokens[number] = await EnrollAsync(client, _product, number, cancellation));
        Tokens = tokens;
    }

    /// <summary>The Blynk tokens of the first so many devices.</summary>
    public async Task<string[]> BlynkTokensAsync(int count)
    {
        using var client = new HttpClient { BaseAddress = server };
        var tokens = new string[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (number, cancellation) =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/devices/{Tokens[number].Split('.')[0]}/pin-token/blynk");
            request.Headers.Authorization = new AuthenticationHeaderValue(Bearer, StaffKey);
            tokens[number] = (await SendAsync(client, request, cancellation)).GetProperty("token").GetString()!;
        });
        return tokens;
    }

    /// <summary>Writes to pin 5 as an app does.</summary>
    public async Task WriteAsync(string device, string value)
    {
        using var client = new HttpClient { BaseAddress = server };
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/devices/{device}/pins/5") { Content = JsonContent.Create(new { value }) };
        request.Headers.Authorization = new AuthenticationHeaderValue(Bearer, StaffKey);
        await SendAsync(client, request, CancellationToken.None);
    }

    /// <summary>The check-in of a device that has nothing new to tell, as a whole request.</summary>
    public static byte[] CheckIn(string token) => Request(
        "POST /agent/v1/check-in",
        token,
        """
        {"running":"0.0.0","slot":"confirmed","securityCounter":0,"lastOrder":0,"keyCounter":0,
         "restart":{"cause":"power-or-unknown","at":1767225600,"count":12},"uptime":86400,"rssi":-67,
         "freeMemory":61440,"hardware":"bench-board","pins":{"5":"21.5"}}
        """);

    public static byte[] Get(string path, string token) => Request("GET " + path, token, body: null);

    private static byte[] Request(string line, string token, string? body) => Encoding.ASCII.GetBytes(
        $"{line} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        + (body is null ? "\r\n" : $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    private static async Task<JsonElement> AddProductAsync(
        HttpClient client, AuthenticationHeaderValue staff, ReleaseKey key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/products");
        request.Headers.Authorization = staff;
        string[] hardware = [Hardware];
        string[] releaseKeys = [key.Pem];
        request.Content = JsonContent.Create(new { name = "bench", hardware, releaseKeys });
        return await SendAsync(client, request, CancellationToken.None);
    }

    private async Task UploadAsync(HttpClient client, AuthenticationHeaderValue staff, RSA key, byte[] image)
    {
        using var stream = new MemoryStream(image);
        var description = await ImageDigests.OfAsync(
            stream, image.Length, "raw", progress: null, CancellationToken.None);
        var statement = new ReleaseStatement(
            "bench", "1.0.0", ReleaseStatement.ApplicationKind, [Hardware], SecurityCounter: 0, Created: 1767225600, description);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/products/bench/releases");
        request.Headers.Authorization = staff;
        request.Content = new MultipartFormDataContent
        {
            { new StringContent(statement.Sign(key)), "statement" },
            { new ByteArrayContent(image), "image", "image.bin" },
        };
        await SendAsync(client, request, CancellationToken.None);
        ImagePath = "/images/" + description.Sha256;
    }

    private static async Task<string> EnrollAsync(
        HttpClient client, JsonElement product, int number, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/agent/v1/enroll");
        request.Content = JsonContent.Create(new
        {
            product = "bench",
            enrollmentKey = product.GetProperty("enrollmentKey").GetString(),
            hardwareId = $"bench-{number}",
            hardware = Hardware,
            running = "0.0.0",
        });
        var identity = await SendAsync(client, request, cancellation);
        return $"{identity.GetProperty("device").GetString()}.{identity.GetProperty("token").GetString()}";
    }

    private static async Task<JsonElement> SendAsync(
        HttpClient client, HttpRequestMessage request, CancellationToken cancellation)
    {
        using var answer = await client.SendAsync(request, cancellation);
        var text = await answer.Content.ReadAsStringAsync(cancellation);
        return answer.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<JsonElement>(text)
            : throw new InvalidOperationException($"{request.RequestUri}: {(int)answer.StatusCode} {text}");
    }
}
