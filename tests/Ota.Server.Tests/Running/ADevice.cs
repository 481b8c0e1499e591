using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Ota.Server.Tests.Running;

/// <summary>A device played by hand, so that a test says exactly what goes over the wire.</summary>
internal sealed class ADevice(RunningServer server, string id, string token)
{
    public string Id { get; } = id;

    public string Token { get; } = token;

    public long LastOrder { get; set; }

    public long Cleared { get; set; }

    public string Running { get; set; } = "0.0.0";

    public string? Release { get; set; }

    public string Slot { get; set; } = "confirmed";

    public int SecurityCounter { get; set; }

    public int KeyCounter { get; set; }

    public int Starts { get; set; } = 1;

    public string Cause { get; set; } = "power-or-unknown";

    public int Rssi { get; set; } = -60;

    public long Uptime { get; set; } = 1;

    public static async Task<ADevice> EnrollAsync(RunningServer server, string enrollmentKey, string hardwareId = "02:00:00:00:00:01")
    {
        using var answer = await AskAsync(server, enrollmentKey, hardwareId);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        var identity = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new ADevice(server, identity.GetProperty("device").GetString()!, identity.GetProperty("token").GetString()!);
    }

    public static Task<HttpResponseMessage> AskAsync(
        RunningServer server, string enrollmentKey, string hardwareId = "02:00:00:00:00:01", string product = "kettle", string hardware = "virtual") =>
        server.Anyone.PostAsJsonAsync("agent/v1/enroll", new { product, enrollmentKey, hardwareId, hardware, running = "0.0.0" });

    /// <summary>The same device as it is now, calling another server.</summary>
    public ADevice At(RunningServer other) => new(other, Id, Token)
    {
        LastOrder = LastOrder, Cleared = Cleared, Running = Running, Release = Release, Slot = Slot, SecurityCounter = SecurityCounter,
        KeyCounter = KeyCounter, Starts = Starts, Cause = Cause, Rssi = Rssi, Uptime = Uptime,
    };

    /// <summary>What it says when it checks in.</summary>
    public object Said() => new
    {
        running = Running,
        release = Release,
        slot = Slot,
        securityCounter = SecurityCounter,
        lastOrder = LastOrder,
        cleared = Cleared,
        keyCounter = KeyCounter,
        restart = new { cause = Cause, at = 0, count = Starts },
        uptime = Uptime,
        rssi = Rssi,
        freeMemory = 1000,
        hardware = "virtual",
    };

    public Task<HttpResponseMessage> CheckInAsync() => PostAsync("agent/v1/check-in", JsonContent.Create(Said()));

    /// <summary>Checks in and expects to be told to hold.</summary>
    public async Task HeldAsync()
    {
        using var answer = await CheckInAsync();
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.True(answer.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    /// <summary>Checks in and expects an order; its payload, with the release's hash.</summary>
    public async Task<JsonElement> OfferedAsync(HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await CheckInAsync();
        Assert.Equal(status, answer.StatusCode);
        return await OrderInAsync(answer);
    }

    /// <summary>The payload of the order in an answer.</summary>
    public static async Task<JsonElement> OrderInAsync(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return JsonDocument.Parse(Base64Url(body.GetProperty("order").GetString()!.Split('.')[1])).RootElement;
    }

    public Task<HttpResponseMessage> ReportAsync(params object[] reports) => PostAsync("agent/v1/reports", JsonContent.Create(reports));

    /// <summary>As staff see it.</summary>
    public Task<JsonElement> ShownAsync() => server.GetAsync("api/v1/devices/" + Id);

    public async Task<string?> StateAsync() => (await ShownAsync()).GetProperty("state").GetString();

    /// <summary>Runs what it was ordered, confirmed.</summary>
    public async Task InstallAsync(string version)
    {
        var order = await OfferedAsync();
        LastOrder = order.GetProperty("number").GetInt64();
        Running = version;
        Release = order.GetProperty("release").GetString();
        await HeldAsync();
    }

    public Task<HttpResponseMessage> PostAsync(string path, HttpContent content) => SendAsync(HttpMethod.Post, path, content);

    public Task<HttpResponseMessage> PutAsync(string path, object body) => SendAsync(HttpMethod.Put, path, JsonContent.Create(body));

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(HttpMethod.Get, path, content: null);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Id + "." + Token);
        return await server.Anyone.SendAsync(request);
    }

    private static string Base64Url(string text) => Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(text));
}
