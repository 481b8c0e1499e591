using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>What the ESP32's updater, Tasmota, ESPHome and esp_https_ota send, as their sources send it, and what these take for an answer.</summary>
public class PullClientTests : IAsyncLifetime
{
    private const string Mac = "30:AE:A4:07:0D:64";
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", new string('x', 200_000)));
        await _server.UploadedAsync(ABuild.Of("1.2.0", new string('z', 150_000)));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_esp32_updater_is_updated_and_tells_its_signal_and_why_it_started()
    {
        var (id, path) = await AdoptAsync("esp32");
        string Request(string version, string sha256) =>
            $"GET {path} HTTP/1.0\r\nHost: {Host}\r\nUser-Agent: ESP32-http-Update\r\nConnection: close\r\nCache-Control: no-cache\r\n"
            + $"x-ESP32-STA-MAC: {Mac}\r\nx-ESP32-AP-MAC: 30:AE:A4:07:0D:65\r\nx-ESP32-free-space: 1310720\r\nx-ESP32-sketch-size: 876544\r\n"
            + $"x-ESP32-sketch-md5: 5d41402abc4b2a76b9719d911017c592\r\nx-ESP32-sketch-sha256: {sha256}\r\nx-ESP32-chip-size: 4194304\r\n"
            + $"x-ESP32-sdk-version: v5.1.4\r\nx-ESP32-mode: sketch\r\nx-ESP32-version: {version}\r\nx-ota-rssi: -67\r\nx-ota-restart: crash\r\n\r\n";
        Assert.Equal(304, (await SendAsync(Request("1.0.0", new string('A', 64)))).Status);
        await DeployAsync(id, "1.1.0");

        var answer = await SendAsync(Request("1.0.0", new string('A', 64)));
        Assert.True(answer is { Status: 200, IsWhole: true, Body.Length: 200_000 });
        Assert.Equal(32, answer.Header("x-MD5")!.Length);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(answer.Body)), answer.Header("x-SHA256"));
        Assert.Equal(304, (await SendAsync(Request("1.1.0", new string('B', 64)))).Status);

        var shown = await _server.GetAsync("api/v1/devices/" + id);
        Assert.Equal(
            ("confirmed", -67, "crash"),
            (shown.GetProperty("state").GetString(), shown.GetProperty("rssi").GetInt32(), shown.GetProperty("restartCause").GetString()));
    }

    [Fact]
    public async Task Tasmota_is_served_whatever_its_file_is_called_and_told_fast_that_there_is_no_sibling()
    {
        var (id, path) = await AdoptAsync("tasmota");
        Assert.EndsWith("/tasmota.bin", path, StringComparison.Ordinal);
        string Request(string file, string version) =>
            $"GET {file} HTTP/1.0\r\nHost: {Host}\r\nUser-Agent: ESP8266-http-Update\r\nConnection: close\r\nx-ESP8266-Chip-ID: 11157264\r\n"
            + $"x-ESP8266-STA-MAC: {Mac}\r\nx-ESP8266-free-space: 1000000\r\nx-ESP8266-mode: sketch\r\nx-ESP8266-version: {version}\r\n\r\n";
        await DeployAsync(id, "1.1.0");

        foreach (var sibling in new[] { "tasmota-minimal.bin", "tasmota-minimal.bin.gz", "tasmota-safeboot.bin" })
            Assert.Equal(404, (await SendAsync(Request(path.Replace("tasmota.bin", sibling, StringComparison.Ordinal), "1.0.0(tasmota)"))).Status);
        Assert.Equal(200, (await SendAsync(Request(path.Replace("tasmota.bin", "11157264/tasmota.bin.gz", StringComparison.Ordinal), "1.0.0(tasmota)"))).Status);
        Assert.Equal(200, (await SendAsync(Request(path, "1.0.0(release-tasmota)"))).Status);
        Assert.Equal(304, (await SendAsync(Request(path, "1.1.0(release-tasmota)"))).Status);

        Assert.Equal("confirmed", await StateAsync(id));
    }

    [Fact]
    public async Task ESPHome_is_told_its_own_version_while_it_is_to_keep_it_and_an_image_by_a_path_without_http()
    {
        var (id, path) = await AdoptAsync("esphome");
        string Request(string what, string agent) =>
            $"GET {what} HTTP/1.1\r\nHost: {Host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n";
        var unknown = await ManifestAsync(Request(path, "ESPHome/2024.9.2 (https://esphome.io)"));
        Assert.Equal("", unknown.GetProperty("version").GetString());
        Assert.Equal("1.0", (await ManifestAsync(Request(path, "kettle/1.0 (it)"))).GetProperty("version").GetString());
        await DeployAsync(id, "1.1.0");

        var manifest = await ManifestAsync(Request(path, "kettle/1.0"));
        Assert.Equal(("kettle", "1.1.0"), (manifest.GetProperty("name").GetString(), manifest.GetProperty("version").GetString()));
        var build = manifest.GetProperty("builds")[0];
        Assert.Equal("VIRTUAL", build.GetProperty("chipFamily").GetString());
        var image = build.GetProperty("ota").GetProperty("path").GetString()!;
        Assert.DoesNotContain("http", image, StringComparison.Ordinal);

        var answer = await SendAsync(Request(path[..(path.LastIndexOf('/') + 1)] + image, "kettle/1.0"));
        Assert.True(answer is { Status: 200, IsWhole: true, Body.Length: 200_000 });
        Assert.Equal(build.GetProperty("ota").GetProperty("md5").GetString(), answer.Header("x-MD5"));
        Assert.Equal("downloaded", await StateAsync(id));
        Assert.Equal("1.1.0", (await ManifestAsync(Request(path, "kettle/1.1.0"))).GetProperty("version").GetString());
        Assert.Equal("confirmed", await StateAsync(id));
    }

    [Fact]
    public async Task Esp_https_ota_fetches_in_parts_and_is_assumed_to_run_it_as_it_says_nothing()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        Assert.Equal(304, (await SendAsync(Idf("GET", path))).Status);
        await DeployAsync(id, "1.1.0");

        var head = await SendAsync(Idf("HEAD", path));
        Assert.Equal((302, 0), (head.Status, head.Body.Length));
        var image = head.Header("Location")!;
        Assert.Equal("200000", (await SendAsync(Idf("HEAD", image))).Header("Content-Length"));
        var bytes = new List<byte>();
        // The last part ends one byte past the end, as its source computes it.
        foreach (var range in new[] { "0-65535", "65536-131071", "131072-196607", "196608-200000" })
        {
            var part = await SendAsync(Idf("GET", image, $"Range: bytes={range}\r\n"));
            Assert.Equal(206, part.Status);
            bytes.AddRange(part.Body);
        }

        Assert.Equal(200_000, bytes.Count);
        Assert.Equal("downloaded", await StateAsync(id));
        Assert.Equal(304, (await SendAsync(Idf("GET", path))).Status);
        Assert.Equal("assumed", await StateAsync(id));
        Assert.Contains(await TimelineAsync(id), text => text.EndsWith("is assumed: it fetched all of it and asked again; its client does not say what it runs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_token_of_a_client_begins_with_a_dash_as_it_is_an_option_on_the_command_line_of_one()
    {
        for (var i = 0; i < 400; i++)
        {
            var adopted = await _server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = $"unit-{i}", dialect = "hawkbit", hardware = "virtual" });
            Assert.NotEqual('-', adopted.GetProperty("token").GetString()![0]);
        }
    }

    [Fact]
    public async Task A_download_goes_on_where_it_was_cut_but_never_with_another_image()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        await DeployAsync(id, "1.1.0");
        var image = (await SendAsync(Idf("GET", path))).Header("Location")!;
        Assert.Equal(206, (await SendAsync(Idf("GET", image, "Range: bytes=0-65535\r\n"))).Status);

        var goesOn = await SendAsync(Idf("GET", path, "Range: bytes=65536-\r\n"));
        Assert.Equal(302, goesOn.Status);
        var more = await SendAsync(Idf("GET", goesOn.Header("Location")!, "Range: bytes=65536-131071\r\n"));
        Assert.Equal((206, 65_536), (more.Status, more.Body.Length));

        await DeployAsync(id, "1.2.0");
        for (var again = 0; again < 3; again++)
        {
            var other = await SendAsync(Idf("GET", path, "Range: bytes=65536-\r\n"));
            Assert.Equal((416, "bytes */150000"), (other.Status, other.Header("Content-Range")));
        }

        Assert.Equal(302, (await SendAsync(Idf("GET", path))).Status);
    }

    [Fact]
    public async Task An_end_of_an_image_that_was_never_begun_is_not_sent_whatever_address_is_asked()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        await DeployAsync(id, "1.1.0");
        var image = (await SendAsync(Idf("GET", path))).Header("Location")!;
        // It looks at the first byte, as esp_https_ota does where HEAD is refused; what it goes on with is an older build's.
        Assert.Equal(206, (await SendAsync(Idf("GET", image, "Range: bytes=0-0\r\n"))).Status);

        foreach (var range in new[] { "50000-", "50000-100000", "-50000", "199999-" })
        {
            foreach (var address in new[] { path, image })
            {
                var answer = await SendAsync(Idf("GET", address, $"Range: bytes={range}\r\nIf-Match: *\r\n"));
                Assert.Equal(address == path ? 302 : 416, answer.Status);
                Assert.Equal((416, "bytes */200000"), await RefusedAsync(Idf("GET", address, $"Range: bytes={range}\r\n")));
            }
        }

        Assert.Equal("offered", await StateAsync(id));
    }

    [Fact]
    public async Task Who_names_the_image_of_which_it_has_a_part_is_sent_the_rest_but_has_not_fetched_all_of_it_by_that()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        await DeployAsync(id, "1.1.0");
        var image = (await SendAsync(Idf("GET", path))).Header("Location")!;
        var tag = $"\"{image.Split('/')[^1]}\"";

        foreach (var named in new[] { $"If-Range: {tag}", $"If-Match: {tag}" })
        {
            var led = await SendAsync(Idf("GET", path, $"Range: bytes=150000-\r\n{named}\r\n"));
            Assert.Equal(302, led.Status);
            var rest = await SendAsync(Idf("GET", led.Header("Location")!, $"Range: bytes=150000-\r\n{named}\r\n"));
            Assert.Equal((206, 50_000), (rest.Status, rest.Body.Length));
        }

        Assert.Equal("offered", await StateAsync(id));
        Assert.Equal(412, (await SendAsync(Idf("GET", image, "Range: bytes=150000-\r\nIf-Match: \"another\"\r\n"))).Status);
        Assert.Equal((200, 200_000), await WholeAsync(Idf("GET", image, "Range: bytes=150000-\r\nIf-Range: \"another\"\r\n")));
        Assert.Equal("downloaded", await StateAsync(id));
    }

    [Fact]
    public async Task A_part_of_an_image_that_is_ordered_anew_goes_on_and_after_a_restart_of_the_server_begins_again()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        var order = (await DeployAsync(id, "1.1.0")).GetProperty("deployment").GetInt64();
        var image = (await SendAsync(Idf("GET", path))).Header("Location")!;
        Assert.Equal(206, (await SendAsync(Idf("GET", image, "Range: bytes=0-65535\r\n"))).Status);
        await _server.PostAsync($"api/v1/deployments/{order}/cancel", new { });
        await DeployAsync(id, "1.1.0");

        var goesOn = await SendAsync(Idf("GET", path, "Range: bytes=65536-\r\n"));
        Assert.Equal(302, goesOn.Status);
        Assert.Equal(206, (await SendAsync(Idf("GET", goesOn.Header("Location")!, "Range: bytes=65536-131071\r\n"))).Status);
        await _server.RestartAsync();

        Assert.Equal((416, "bytes */200000"), await RefusedAsync(Idf("GET", path, "Range: bytes=131072-\r\n")));
        Assert.Equal((416, "bytes */200000"), await RefusedAsync(Idf("GET", image, "Range: bytes=131072-\r\n")));
        Assert.Equal((200, 200_000), await WholeAsync(Idf("GET", image)));
        Assert.Equal("downloaded", await StateAsync(id));
    }

    [Fact]
    public async Task A_unit_that_asks_from_its_old_version_once_it_has_all_of_it_may_be_given_another_and_the_timeline_says_so()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        await DeployAsync(id, "1.1.0");
        var image = (await SendAsync(Idf("GET", path, "x-ota-version: 1.0.0\r\n"))).Header("Location")!;
        Assert.Equal((200, 200_000), await WholeAsync(Idf("GET", image)));
        Assert.Equal(302, (await SendAsync(Idf("GET", path, "x-ota-version: 1.0.0\r\n"))).Status);
        Assert.Contains("Offered 1.1.0 once more: it fetched all of it and asked from 1.0.0 again", await TimelineAsync(id));

        Assert.Equal((200, 200_000), await WholeAsync(Idf("GET", image)));
        Assert.Equal("downloaded", await StateAsync(id));
        await DeployAsync(id, "1.2.0");

        Assert.EndsWith(
            await HashAsync("1.2.0"), (await SendAsync(Idf("GET", path, "x-ota-version: 1.0.0\r\n"))).Header("Location")!, StringComparison.Ordinal);
        Assert.Equal(304, (await SendAsync(Idf("GET", path, "x-ota-version: 1.2.0\r\n"))).Status);
        Assert.Equal("confirmed", await StateAsync(id));
    }

    [Fact]
    public async Task What_its_client_never_tells_is_unknown_and_no_zero()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        Assert.Equal(304, (await SendAsync(Idf("GET", path))).Status);
        var shown = await _server.GetAsync("api/v1/devices/" + id);
        foreach (var unknown in new[] { "restartCause", "restartAt", "restarts", "uptime", "freeMemory", "rssi", "lastOrder" })
            Assert.Equal(JsonValueKind.Null, shown.GetProperty(unknown).ValueKind);
        var evidence = (await _server.GetAsync($"api/v1/devices/{id}/evidence")).GetProperty("evidence");
        foreach (var unknown in new[] { "restarts", "intended", "unattributed" })
            Assert.Equal(JsonValueKind.Null, evidence.GetProperty(unknown).ValueKind);
        Assert.Equal(JsonValueKind.Null, evidence.GetProperty("bands")[0].GetProperty("restarts").ValueKind);

        _server.Time.Ahead = TimeSpan.FromMinutes(2);
        Assert.Equal(304, (await SendAsync(Idf("GET", path, "x-ota-uptime: 7\r\nx-ota-restart: crash\r\nx-ota-free-memory: 9000\r\n"))).Status);
        shown = await _server.GetAsync("api/v1/devices/" + id);
        Assert.Equal(("crash", 1, 7, 9000), (
            shown.GetProperty("restartCause").GetString(), shown.GetProperty("restarts").GetInt32(), shown.GetProperty("uptime").GetInt32(),
            shown.GetProperty("freeMemory").GetInt32()));
        Assert.Equal(JsonValueKind.Number, (await _server.GetAsync($"api/v1/devices/{id}/evidence")).GetProperty("evidence").GetProperty("restarts").ValueKind);
    }

    [Fact]
    public async Task What_it_has_already_is_not_sent_again_and_what_it_is_not_to_have_is_not_there()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        await DeployAsync(id, "1.1.0");
        var image = (await SendAsync(Idf("GET", path))).Header("Location")!;
        var sha256 = image.Split('/')[^1];

        Assert.Equal(304, (await SendAsync(Idf("GET", image, $"If-None-Match: \"{sha256}\"\r\n"))).Status);
        Assert.Equal(404, (await SendAsync(Idf("GET", image.Replace(sha256, new string('0', 64), StringComparison.Ordinal)))).Status);
        Assert.Equal(401, (await SendAsync(Idf("GET", image.Replace(id, "000000000000", StringComparison.Ordinal)))).Status);
        Assert.Equal(405, (await SendAsync(Idf("POST", path, "Content-Length: 0\r\n"))).Status);
    }

    [Fact]
    public async Task A_version_in_a_header_of_its_own_confirms_it()
    {
        var (id, path) = await AdoptAsync("esp-idf");
        await DeployAsync(id, "1.1.0");
        var image = (await SendAsync(Idf("GET", path, "x-ota-version: 1.0.0\r\n"))).Header("Location")!;
        Assert.Equal(200, (await SendAsync(Idf("GET", image))).Status);

        Assert.Equal(304, (await SendAsync(Idf("GET", path, "x-ota-version: 1.1.0\r\n"))).Status);

        Assert.Equal("confirmed", await StateAsync(id));
        Assert.Matches("^Deployment [0-9]+ is confirmed$", (await TimelineAsync(id))[^1]);
    }

    private string Host => _server.Anyone.BaseAddress!.Authority;

    private string Idf(string method, string path, string more = "") =>
        $"{method} {path} HTTP/1.1\r\nUser-Agent: ESP32 HTTP Client/1.0\r\nHost: {Host}\r\nConnection: close\r\n{more}\r\n";

    private async Task<(int Status, string? Range)> RefusedAsync(string request)
    {
        var answer = await SendAsync(request);
        return (answer.Status, answer.Header("Content-Range"));
    }

    private async Task<(int Status, int Length)> WholeAsync(string request)
    {
        var answer = await SendAsync(request);
        return (answer.Status, answer.Body.Length);
    }

    private async Task<string[]> TimelineAsync(string device) =>
        [.. (await _server.GetAsync("api/v1/devices/" + device)).GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("text").GetString()!)];

    private async Task<string> HashAsync(string version) =>
        (await _server.GetAsync($"api/v1/products/kettle/releases/{version}")).GetProperty("image").GetProperty("sha256").GetString()!;

    private Task<RawAnswer> SendAsync(string request) => RawHttp.SendAsync(_server, request);

    private async Task<JsonElement> ManifestAsync(string request)
    {
        var answer = await SendAsync(request);
        Assert.True(answer is { Status: 200, IsWhole: true });
        return JsonDocument.Parse(answer.Body).RootElement;
    }

    private async Task<(string Id, string Path)> AdoptAsync(string dialect)
    {
        var view = await _server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = Mac, dialect, hardware = "virtual" });
        return (view.GetProperty("device").GetString()!, view.GetProperty("path").GetString()!);
    }

    private Task<JsonElement> DeployAsync(string device, string version) =>
        _server.PostAsync("api/v1/deployments", new { product = "kettle", version, device });

    private async Task<string?> StateAsync(string device) => (await _server.GetAsync("api/v1/devices/" + device)).GetProperty("state").GetString();
}
