using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>A unit with mender-client: it sends what that sends, as far as a rollout needs it.</summary>
internal sealed class AMenderClient(RunningServer server, string device, string token)
{
    private const string Deployments = "/mender/api/devices/v1/deployments/device/deployments";
    private static readonly RSA Key = RSA.Create(2048);

    public string Artifact { get; set; } = "1.0.0";

    public static async Task<AMenderClient> AdoptAsync(RunningServer server, string mac)
    {
        var view = await server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = mac, dialect = "mender", hardware = "virtual" });
        var device = view.GetProperty("device").GetString()!;
        var body = JsonSerializer.Serialize(new
        {
            id_data = JsonSerializer.Serialize(new { mac }), tenant_token = $"{device}.{view.GetProperty("token").GetString()}", pubkey = Key.ExportSubjectPublicKeyInfoPem(),
        });
        var signature = Convert.ToBase64String(Key.SignData(Encoding.UTF8.GetBytes(body), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        var answer = await RawHttp.SendAsync(
            server,
            $"POST /mender/api/devices/v1/authentication/auth_requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            + $"X-MEN-Signature: {signature}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");
        Assert.Equal(200, answer.Status);
        return new AMenderClient(server, device, Encoding.ASCII.GetString(answer.Body));
    }

    /// <summary>The deployment it is given; null for none.</summary>
    public async Task<JsonElement?> NextAsync()
    {
        var answer = await RawHttp.SendAsync(server, Head("GET", $"{Deployments}/next?artifact_name={Artifact}&device_type=board") + "\r\n");
        Assert.True(answer.Status is 200 or 204);
        return answer.Status == 200 ? AHawkbitClient.Parse(answer) : null;
    }

    /// <summary>Fetches and installs, and tells of success from what it runs then; the version is the next ask's.</summary>
    public async Task InstallAsync(JsonElement next, string then)
    {
        var link = new Uri(next.GetProperty("artifact").GetProperty("source").GetProperty("uri").GetString()!).PathAndQuery;
        Assert.Equal(200, (await RawHttp.SendAsync(server, $"GET {link} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).Status);
        await StatusAsync(next, "success");
        Artifact = then;
    }

    public async Task StatusAsync(JsonElement next, string status)
    {
        var body = $"{{\"status\":\"{status}\"}}";
        Assert.Equal(204, (await RawHttp.SendAsync(
            server,
            Head("PUT", $"{Deployments}/{next.GetProperty("id").GetString()}/status")
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}")).Status);
    }

    public string Head(string method, string path) =>
        $"{method} {path} HTTP/1.1\r\nHost: {server.Anyone.BaseAddress!.Authority}\r\nUser-Agent: Go-http-client/1.1\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n";

    public async Task<string?> StateAsync() => (await server.GetAsync($"api/v1/devices/{device}")).GetProperty("state").GetString();
}
