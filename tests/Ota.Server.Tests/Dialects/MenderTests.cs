using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>The conversations of mender-client 3.4 with the real server, over raw sockets: its bodies are chunked, its download shows no token.</summary>
public class MenderTests : IAsyncLifetime
{
    private const string Mac = "24:6f:28:aa:3f:40";
    private const string Next = "/api/devices/v2/deployments/device/deployments/next";
    private readonly RSA _key = RSA.Create(3072);
    private RunningServer _server = null!;
    private string _tenant = "";
    private string _device = "";
    private string _token = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "the first artifact"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", new string('m', 200_000)));
        var view = await _server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = Mac, dialect = "mender", hardware = "virtual" });
        _device = view.GetProperty("device").GetString()!;
        _tenant = _device + "." + view.GetProperty("token").GetString();
        _token = Text(await AuthenticateAsync(_tenant));
    }

    public ValueTask DisposeAsync()
    {
        _key.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task It_is_updated_and_confirmed_by_the_name_of_the_artifact_that_it_runs()
    {
        Assert.Equal(204, (await AskAsync("1.0.0")).Status);
        await DeployAsync("1.1.0");

        var next = AHawkbitClient.Parse(await AskAsync("1.0.0"));
        var id = next.GetProperty("id").GetString()!;
        var artifact = next.GetProperty("artifact");
        Assert.Equal("1.1.0", artifact.GetProperty("artifact_name").GetString());
        Assert.Equal("board", artifact.GetProperty("device_types_compatible")[0].GetString());
        Assert.Equal(204, (await StatusAsync(id, "downloading")).Status);
        var image = await FetchAsync(next);
        Assert.Equal((200, 200_000), (image.Status, image.Body.Length));
        Assert.Equal(204, (await StatusAsync(id, "installing")).Status);
        Assert.Equal(204, (await StatusAsync(id, "rebooting")).Status);
        Assert.Equal("downloaded", await StateAsync());
        Assert.Equal(204, (await StatusAsync(id, "success")).Status);
        Assert.Equal("trial", await StateAsync());

        Assert.Equal(204, (await AskAsync("1.1.0")).Status);

        Assert.Equal("confirmed", await StateAsync());
        Assert.Equal(204, (await StatusAsync(id, "success")).Status);
        Assert.Equal(409, (await StatusAsync(id, "installing")).Status);
    }

    [Fact]
    public async Task Old_clients_ask_by_GET_or_in_the_first_form_of_the_body()
    {
        await DeployAsync("1.1.0");
        var get = await SendAsync("GET", "/api/devices/v1/deployments/device/deployments/next?artifact_name=1.0.0&device_type=board", null);
        Assert.Equal(200, get.Status);
        var post = await SendAsync(
            "POST", "/api/devices/v1/deployments/device/deployments/next", "{\"artifact_name\":\"1.0.0\",\"device_type\":\"board\"}");

        Assert.Equal(AHawkbitClient.Parse(get).GetProperty("id").GetString(), AHawkbitClient.Parse(post).GetProperty("id").GetString());
        Assert.Equal("1.0.0", (await ShownAsync()).GetProperty("running").GetString());
    }

    [Fact]
    public async Task Clients_that_keep_the_path_of_their_server_s_address_find_it_there_too()
    {
        var answer = await SendAsync("POST", "/mender" + Next, "{\"device_provides\":{\"artifact_name\":\"1.0.0\",\"device_type\":\"board\"}}");

        Assert.Equal(204, answer.Status);
        Assert.Equal("1.0.0", (await ShownAsync()).GetProperty("running").GetString());
        Assert.Equal(401, (await SendAsync("POST", "/mender" + Next, "{}", _tenant)).Status);
        Assert.Equal(401, (await SendAsync("POST", "/mender/api/devices/v1/authentication/auth_requests", "{}")).Status);
    }

    [Fact]
    public async Task Inventory_tells_what_runs_and_may_confirm_but_hands_nothing_out()
    {
        await InventoryAsync("1.0.0");
        var shown = await ShownAsync();
        Assert.Equal(("1.0.0", -70), (shown.GetProperty("running").GetString(), shown.GetProperty("rssi").GetInt32()));
        await DeployAsync("1.1.0");
        await InventoryAsync("1.0.0");
        Assert.Equal("ordered", await StateAsync());
        await FetchAsync(AHawkbitClient.Parse(await AskAsync("1.0.0")));

        await InventoryAsync("1.1.0");

        Assert.Equal("confirmed", await StateAsync());
    }

    [Fact]
    public async Task A_success_whose_artifact_has_another_name_is_a_reversion_that_says_why()
    {
        await DeployAsync("1.1.0");
        var next = AHawkbitClient.Parse(await AskAsync("1.0.0"));
        await FetchAsync(next);
        await StatusAsync(next.GetProperty("id").GetString()!, "success");

        Assert.Equal(204, (await AskAsync("1.0.0")).Status);

        Assert.Equal("reverted", await StateAsync());
        Assert.Contains(
            (await ShownAsync()).GetProperty("timeline").EnumerateArray(),
            entry => entry.GetProperty("text").GetString()!.StartsWith("The server says reverted: it told of success", StringComparison.Ordinal));
        Assert.Contains("artifact's name", (await ShownAsync()).GetProperty("deployments")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_and_the_errors_of_its_log_are_shown()
    {
        await DeployAsync("1.1.0");
        var id = AHawkbitClient.Parse(await AskAsync("1.0.0")).GetProperty("id").GetString()!;
        Assert.Equal(204, (await StatusAsync(id, "failure")).Status);
        var log = "{\"messages\":[{\"timestamp\":\"2026-11-21T11:00:00Z\",\"level\":\"info\",\"message\":\"fine\"},"
            + "{\"timestamp\":\"2026-11-21T11:00:01Z\",\"level\":\"error\",\"message\":\"no space\\u0000 left\"},null]}";
        Assert.Equal(204, (await SendAsync("PUT", $"/api/devices/v1/deployments/device/deployments/{id}/log", log)).Status);

        Assert.Equal("failed", await StateAsync());
        var timeline = (await ShownAsync()).GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("text").GetString()).ToArray();
        Assert.Contains(timeline, text => text!.StartsWith("The device's log says: no space", StringComparison.Ordinal));
        Assert.DoesNotContain(timeline, text => text!.Contains("fine", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_logs_those_of_its_own_deployments_are_kept_and_a_few_of_each()
    {
        await DeployAsync("1.1.0");
        var id = AHawkbitClient.Parse(await AskAsync("1.0.0")).GetProperty("id").GetString()!;
        const string log = "{\"messages\":[{\"level\":\"error\",\"message\":\"no space\"}]}";
        var other = await AnEspSketch.AdoptAsync(_server);
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", device = other.Id });
        var others = (await other.Sketch.ShownAsync()).GetProperty("deployments")[0].GetProperty("id").GetInt64();
        foreach (var named in new[] { "999", "x", "-1", $"{others}", "99999999999999999999" })
            Assert.Equal(204, (await SendAsync("PUT", $"/mender/api/devices/v1/deployments/device/deployments/{named}/log", log)).Status);
        Assert.Equal(0, await LogsAsync());

        for (var again = 0; again < 10; again++)
            Assert.Equal(204, (await SendAsync("PUT", $"/mender/api/devices/v1/deployments/device/deployments/{id}/log", log)).Status);

        Assert.Equal(3, await LogsAsync());
    }

    [Fact]
    public async Task What_is_cancelled_is_aborted_at_the_next_word_of_it()
    {
        var deployment = await DeployAsync("1.1.0");
        var id = AHawkbitClient.Parse(await AskAsync("1.0.0")).GetProperty("id").GetString()!;
        await StatusAsync(id, "downloading");
        await _server.PostAsync($"api/v1/deployments/{deployment.GetProperty("deployment").GetInt64()}/cancel", new { });

        Assert.Equal(409, (await StatusAsync(id, "installing")).Status);
        Assert.Equal(204, (await StatusAsync(id, "failure")).Status);
        Assert.Equal("cancelled", await StateAsync());
    }

    [Fact]
    public async Task A_recovery_is_two_deployments_to_it()
    {
        var build = ABuild.Of("9.0.0", "clears the Wi-Fi");
        await _server.UploadedAsync(build with { Statement = build.Statement with { Kind = "recovery" } });
        await AskAsync("1.0.0");
        await _server.PostAsync($"api/v1/devices/{_device}/recover", new { reason = "the router is new" });

        var first = AHawkbitClient.Parse(await AskAsync("1.0.0"));
        await FetchAsync(first);
        Assert.Equal(404, (await FetchAsync(first)).Status);
        await StatusAsync(first.GetProperty("id").GetString()!, "success");
        var second = AHawkbitClient.Parse(await AskAsync("9.0.0"));
        Assert.NotEqual(first.GetProperty("id").GetString(), second.GetProperty("id").GetString());
        Assert.Equal("1.0.0", second.GetProperty("artifact").GetProperty("artifact_name").GetString());
        await FetchAsync(second);
        await StatusAsync(second.GetProperty("id").GetString()!, "success");
        Assert.Equal(204, (await AskAsync("1.0.0")).Status);

        Assert.Equal("completed", await StateAsync());
    }

    [Fact]
    public async Task The_first_key_that_a_device_shows_is_its_key_until_it_is_handed_over()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal(401, (await AuthenticateAsync(_tenant, other)).Status);
        await _server.PostAsync($"api/v1/devices/{_device}/hand-over", new { reason = "new board" });
        var view = await _server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = Mac, dialect = "mender", hardware = "virtual" });

        Assert.Equal(401, (await AskAsync("1.0.0")).Status);
        Assert.Equal(401, (await AuthenticateAsync(_tenant)).Status);
        Assert.Equal(200, (await AuthenticateAsync(_device + "." + view.GetProperty("token").GetString(), other)).Status);
    }

    [Fact]
    public async Task A_product_s_key_enrolls_by_the_MAC_that_is_the_identity()
    {
        Assert.Equal(401, (await AuthenticateAsync("kettle.nonsense", id: "{\"mac\":\"24:6f:28:aa:3f:41\"}")).Status);
        await _server.PostAsync("api/v1/products", new
        {
            name = "lamp", hardware = new[] { "board" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") },
        });
        using var rules = await _server.Admin.PutAsJsonAsync("api/v1/products/lamp/dialects", new { dialects = new { enrolls = true } });
        var key = (await _server.GetAsync("api/v1/products/lamp")).GetProperty("dialectKey").GetString();

        Assert.Equal(200, (await AuthenticateAsync("lamp." + key, id: "{\"mac\":\"24:6F:28:AA:3F:41\"}")).Status);
        Assert.Equal("lamp", (await _server.GetAsync("api/v1/devices/24:6f:28:aa:3f:41")).GetProperty("product").GetString());
        foreach (var identity in new[] { "{}", "", "[]", "{\"mac\":7}", "{\"mac\":\"a b\"}", "{\"mac\":\"\\ud800\"}", new string('{', 2000) })
            Assert.Equal(401, (await AuthenticateAsync("lamp." + key, id: identity)).Status);
    }

    [Fact]
    public async Task A_token_that_is_forged_or_old_is_none()
    {
        foreach (var token in new[] { _token[..^2] + "AA", _tenant, "a.b.c", "", _token + "=", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + _token.Split('.')[1] + "." })
            Assert.Equal(401, (await SendAsync("POST", Next, "{}", token)).Status);
        Assert.Equal(204, (await AskAsync("1.0.0")).Status);
        _server.Time.Ahead = TimeSpan.FromHours(25);

        Assert.Equal(401, (await AskAsync("1.0.0")).Status);
        _token = Text(await AuthenticateAsync(_tenant));
        Assert.Equal(204, (await AskAsync("1.0.0")).Status);
    }

    [Fact]
    public async Task A_request_for_a_token_counts_only_with_its_own_signature()
    {
        var body = RequestBody(_tenant, "{}", _key.ExportSubjectPublicKeyInfoPem());
        var signature = Convert.ToBase64String(_key.SignData(Encoding.UTF8.GetBytes(body), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        foreach (var (sent, signed) in new[] { (body + " ", signature), (body, ""), (body, "!!"), (body, Convert.ToBase64String(new byte[384])), ("{", signature), ("null", signature) })
            Assert.Equal(401, (await PostAuthAsync(sent, signed)).Status);
        using var small = RSA.Create(1024);
        var weak = RequestBody(_tenant, "{}", small.ExportSubjectPublicKeyInfoPem());
        Assert.Equal(401, (await PostAuthAsync(
            weak, Convert.ToBase64String(small.SignData(Encoding.UTF8.GetBytes(weak), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)))).Status);
        Assert.Equal(413, (await PostAuthAsync(new string(' ', 20_000), signature)).Status);
        Assert.Equal(200, (await PostAuthAsync(body, signature)).Status);
        Assert.DoesNotContain(_tenant, _server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_is_for_one_image_and_a_day()
    {
        await DeployAsync("1.1.0");
        var next = AHawkbitClient.Parse(await AskAsync("1.0.0"));
        var link = Link(next);
        foreach (var bad in new[] { link[..^2] + "AA", link.Replace("expires=", "expires=9", StringComparison.Ordinal), link.Split('?')[0], link.Replace(_device, "nobody", StringComparison.Ordinal) })
            Assert.Equal(403, (await RawHttp.SendAsync(_server, $"GET {bad} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).Status);
        Assert.Equal(206, (await RawHttp.SendAsync(_server, $"GET {link} HTTP/1.1\r\nHost: x\r\nRange: bytes=100000-\r\nConnection: close\r\n\r\n")).Status);
        _server.Time.Ahead = TimeSpan.FromHours(25);

        Assert.Equal(403, (await FetchAsync(next)).Status);
    }

    [Fact]
    public async Task Behind_a_proxy_that_speaks_https_a_link_is_for_https()
    {
        await DeployAsync("1.1.0");
        var next = AHawkbitClient.Parse(await RawHttp.SendAsync(
            _server,
            $"GET {Next.Replace("v2", "v1", StringComparison.Ordinal)}?artifact_name=1.0.0 HTTP/1.1\r\nHost: ota.example\r\nX-Forwarded-Proto: https\r\n"
            + $"Authorization: Bearer {_token}\r\nConnection: close\r\n\r\n"));

        Assert.StartsWith("https://ota.example/", next.GetProperty("artifact").GetProperty("source").GetProperty("uri").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_text_is_not_cut_in_the_middle_of_a_character()
    {
        await DeployAsync("1.1.0");
        var id = AHawkbitClient.Parse(await AskAsync("1.0.0")).GetProperty("id").GetString()!;
        var log = "{\"messages\":[{\"level\":\"error\",\"message\":\"a\\ud83d\\ude80" + new string('b', 399) + "\"}]}";
        var status = "{\"status\":\"failure\",\"substate\":\"" + new string('c', 199) + "\\ud83d\\ude80\"}";

        Assert.Equal(204, (await SendAsync("PUT", $"/api/devices/v1/deployments/device/deployments/{id}/log", log)).Status);
        Assert.Equal(204, (await SendAsync("PUT", $"/api/devices/v1/deployments/device/deployments/{id}/status", status)).Status);

        var detail = (await ShownAsync()).GetProperty("deployments")[0].GetProperty("detail").GetString();
        Assert.Equal(("failed", new string('c', 199)), (await StateAsync(), detail));
    }

    [Fact]
    public async Task Reports_that_come_at_the_same_moment_are_all_kept()
    {
        await DeployAsync("1.1.0");
        var id = AHawkbitClient.Parse(await AskAsync("1.0.0")).GetProperty("id").GetString()!;

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StatusAsync(id, "rebooting")));

        Assert.All(answers, answer => Assert.Equal(204, answer.Status));
        Assert.Equal(16, (await ShownAsync()).GetProperty("timeline").EnumerateArray()
            .Count(entry => entry.GetProperty("text").GetString() == "The device says downloaded: rebooting"));
    }

    [Fact]
    public async Task What_cannot_be_read_is_refused_and_changes_nothing()
    {
        const string inventory = "/api/devices/v1/inventory/device/attributes";
        foreach (var json in new[] { "", "{}", "[null]", "[{\"name\":\"a\"}]", "[{\"name\":\"a\",\"value\":{}}]", "[{\"value\":\"x\"}]", "[{\"name\":\"a\",\"value\":\"\\ud800\"}]", new string('[', 5000) })
            Assert.Equal(400, (await SendAsync("PUT", inventory, json)).Status);
        Assert.Equal(413, (await SendAsync("PUT", inventory, "[" + new string(' ', 70_000) + "]")).Status);
        Assert.Equal(400, (await SendAsync("POST", Next, "[]")).Status);
        await DeployAsync("1.1.0");
        var id = AHawkbitClient.Parse(await AskAsync("1.0.0")).GetProperty("id").GetString()!;
        Assert.Equal(400, (await StatusAsync(id, "exploded")).Status);
        Assert.Equal(409, (await StatusAsync("999", "downloading")).Status);

        Assert.Equal("offered", await StateAsync());
    }

    private async Task<int> LogsAsync() => (await ShownAsync()).GetProperty("timeline").EnumerateArray().Count(entry => entry.GetProperty("kind").GetString() == "log");

    private Task<RawAnswer> AskAsync(string artifact) => SendAsync(
        "POST", Next, $"{{\"device_provides\":{{\"artifact_name\":\"{artifact}\",\"device_type\":\"board\"}},\"update_control_map\":true}}");

    private Task<RawAnswer> StatusAsync(string id, string status) =>
        SendAsync("PUT", $"/api/devices/v1/deployments/device/deployments/{id}/status", $"{{\"status\":\"{status}\"}}\n");

    private async Task InventoryAsync(string artifact) => Assert.Equal(200, (await SendAsync(
        "PUT",
        "/api/devices/v1/inventory/device/attributes",
        $"[{{\"name\":\"artifact_name\",\"value\":\"{artifact}\"}},{{\"name\":\"ipv4\",\"value\":[\"10.0.0.1\",\"10.0.0.2\"]}},{{\"name\":\"rssi\",\"value\":\"-70\"}}]\n")).Status);

    // Chunked, as its HTTP library sends whatever it does not know the length of.
    private Task<RawAnswer> SendAsync(string method, string path, string? json, string? token = null)
    {
        var head = $"{method} {path} HTTP/1.1\r\nHost: {_server.Anyone.BaseAddress!.Authority}\r\nUser-Agent: Go-http-client/1.1\r\n"
            + $"Authorization: Bearer {token ?? _token}\r\nConnection: close\r\n";
        return RawHttp.SendAsync(_server, json is null
            ? head + "\r\n"
            : head + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + (json.Length == 0 ? "" : $"{json.Length:x}\r\n{json}\r\n") + "0\r\n\r\n");
    }

    private Task<RawAnswer> FetchAsync(JsonElement next) =>
        RawHttp.SendAsync(_server, $"GET {Link(next)} HTTP/1.1\r\nHost: {_server.Anyone.BaseAddress!.Authority}\r\nUser-Agent: Go-http-client/1.1\r\nConnection: close\r\n\r\n");

    private static string Link(JsonElement next) =>
        new Uri(next.GetProperty("artifact").GetProperty("source").GetProperty("uri").GetString()!).PathAndQuery;

    private Task<RawAnswer> AuthenticateAsync(string tenant, AsymmetricAlgorithm? key = null, string? id = null)
    {
        var body = RequestBody(tenant, id ?? $"{{\"mac\":\"{Mac}\"}}", (key ?? _key).ExportSubjectPublicKeyInfoPem());
        var bytes = Encoding.UTF8.GetBytes(body);
        var signature = key is ECDsa ec
            ? ec.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            : _key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return PostAuthAsync(body, Convert.ToBase64String(signature));
    }

    private Task<RawAnswer> PostAuthAsync(string body, string signature) => RawHttp.SendAsync(
        _server,
        $"POST /api/devices/v1/authentication/auth_requests HTTP/1.1\r\nHost: {_server.Anyone.BaseAddress!.Authority}\r\n"
        + $"User-Agent: Go-http-client/1.1\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nAuthorization: Bearer x\r\n"
        + $"Content-Type: application/json\r\nX-MEN-Signature: {signature}\r\nConnection: close\r\n\r\n{body}");

    private static string RequestBody(string tenant, string identity, string key) =>
        $"{{\"id_data\":{JsonSerializer.Serialize(identity)},\"tenant_token\":\"{tenant}\",\"pubkey\":{JsonSerializer.Serialize(key)}}}\n";

    private Task<JsonElement> DeployAsync(string version) =>
        _server.PostAsync("api/v1/deployments", new { product = "kettle", version, device = _device });

    private Task<JsonElement> ShownAsync() => _server.GetAsync($"api/v1/devices/{_device}");

    private async Task<string?> StateAsync() => (await ShownAsync()).GetProperty("state").GetString();

    private static string Text(RawAnswer answer)
    {
        Assert.Equal(200, answer.Status);
        return Encoding.ASCII.GetString(answer.Body);
    }
}
