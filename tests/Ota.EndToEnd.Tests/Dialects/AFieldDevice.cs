using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Dialects;

/// <summary>A device with an updater that is not ours, adopted into a product of its own, and the server as a process.</summary>
internal sealed class AFieldDevice : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly string _product;
    private readonly string _mac;
    private readonly RSA _releaseKey = RSA.Create(3072);

    private AFieldDevice(OtaServer server, string product, string mac) => (Server, _product, _mac) = (server, product, mac);

    public OtaServer Server { get; }

    public string Id { get; private set; } = "";

    public string Token { get; private set; } = "";

    public static async Task<AFieldDevice> AdoptAsync(string data, string product, string mac, string dialect)
    {
        var device = new AFieldDevice(await OtaServer.NewAsync(data), product, mac);
        await device.PostAsync("api/v1/products", new
        {
            name = product, hardware = new[] { "board" }, poll = "every 5s", releaseKeys = new[] { device._releaseKey.ExportSubjectPublicKeyInfoPem() },
        });
        var client = await device.PostAsync($"api/v1/products/{product}/clients", new { hardwareId = mac, dialect, protection = "signed" });
        (device.Id, device.Token) = (client.GetProperty("device").GetString()!, client.GetProperty("token").GetString()!);
        return device;
    }

    public async Task UploadAsync(byte[] image, string version, string kind = ReleaseStatement.ApplicationKind)
    {
        using var digests = new ImageDigests(image.Length);
        digests.Append(image);
        var statement = new ReleaseStatement(_product, version, kind, ["board"], 0, 1767225600, digests.Describe("raw"));
        using var form = new MultipartFormDataContent
        {
            { new StringContent(statement.Sign(_releaseKey)), "statement" }, { new ByteArrayContent(image), "image", "image" },
        };
        using var answer = await Server.Staff.PostAsync($"api/v1/products/{_product}/releases", form);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    public Task DeployAsync(string version) => PostAsync("api/v1/deployments", new { product = _product, version, device = Id });

    public Task RecoverAsync(string reason) => PostAsync($"api/v1/devices/{Id}/recover", new { reason });

    /// <summary>As staff see it.</summary>
    public Task<JsonElement> ShownAsync() => Server.Staff.GetFromJsonAsync<JsonElement>("api/v1/devices/" + _mac);

    /// <summary>Waits until staff see what is awaited.</summary>
    public async Task<JsonElement> UntilAsync(Predicate<JsonElement> awaited, ClientRun client)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < Patience;)
        {
            if (await ShownAsync() is var device && awaited(device))
                return device;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Not within {Patience}:\n{await ShownAsync()}\n{client.Log}");
        return default;
    }

    public Task<JsonElement> UntilAsync(string state, ClientRun client) => UntilAsync(device => device.GetProperty("state").GetString() == state, client);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _releaseKey.Dispose();
    }

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await Server.Staff.PostAsJsonAsync(path, body);
        Assert.True(answer.IsSuccessStatusCode, path + ": " + await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
