using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Dialects;
using Ota.Server.Products;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>The stock updater of the ESP8266 against the real server, over raw sockets.</summary>
public class EspUpdaterTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private string _id = "";
    private AnEspSketch _sketch = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", new string('x', 200_000)));
        (_id, _sketch) = await AnEspSketch.AdoptAsync(_server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_is_updated_and_confirmed_by_the_version_that_it_says_next()
    {
        await _sketch.HeldAsync();
        await DeployAsync("1.1.0");

        var image = await _sketch.FetchAsync();
        Assert.Equal(200_000, image.Length);
        Assert.Equal("downloaded", await _sketch.StateAsync());

        _sketch.Version = "1.1.0";
        await _sketch.HeldAsync();

        Assert.Equal("confirmed", await _sketch.StateAsync());
        var shown = await _sketch.ShownAsync();
        Assert.Equal("1.1.0", shown.GetProperty("running").GetString());
        Assert.Equal("esp8266", shown.GetProperty("dialect").GetString());
        Assert.Equal("md5", shown.GetProperty("protection").GetString());
        Assert.False(shown.GetProperty("resumes").GetBoolean());
    }

    [Fact]
    public async Task A_client_that_fetches_all_of_it_three_times_and_asks_from_the_old_version_again_has_reverted()
    {
        await DeployAsync("1.1.0");

        for (var tries = 0; tries < 3; tries++)
            await _sketch.FetchAsync();
        await _sketch.HeldAsync();

        Assert.Equal("reverted", await _sketch.StateAsync());
        Assert.Contains("3 times", (await DeploymentAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Matches(@"It fell back from 1\.1\.0 on \d{4}-\d\d-\d\d \d\d:\d\d UTC: it fetched all of it 3 times and asked from 1\.0\.0 again\.$", await SentenceAsync());
        _server.Time.Ahead = TimeSpan.FromDays(91);
        Assert.DoesNotContain("fell back", await SentenceAsync(), StringComparison.Ordinal);

        async Task<string?> SentenceAsync() =>
            (await _server.GetAsync($"api/v1/devices/{_id}/evidence")).GetProperty("evidence").GetProperty("sentence").GetString();
    }

    [Fact]
    public async Task A_client_that_says_nothing_of_what_it_runs_is_never_confirmed_but_assumed()
    {
        (_sketch.Version, _sketch.SketchMd5) = (null, "");
        await DeployAsync("1.1.0");

        await _sketch.FetchAsync();
        Assert.Equal("downloaded", await _sketch.StateAsync());
        await _sketch.HeldAsync();

        Assert.Equal("assumed", await _sketch.StateAsync());
        Assert.Equal("1.1.0", (await _sketch.ShownAsync()).GetProperty("running").GetString());
        await _sketch.HeldAsync();
    }

    [Fact]
    public async Task What_it_runs_is_null_until_it_is_told_and_assumed_while_it_is_only_taken_to_run_it()
    {
        (_sketch.Version, _sketch.SketchMd5) = (null, "");
        Assert.Equal((null, false), await RunsAsync());
        await _sketch.HeldAsync();
        Assert.Equal((null, false), await RunsAsync());
        await DeployAsync("1.1.0");
        await _sketch.FetchAsync();
        await _sketch.HeldAsync();
        Assert.Equal(("1.1.0", true), await RunsAsync());
        await _server.RestartAsync();
        Assert.Equal(("1.1.0", true), await RunsAsync());
        var timeline = await _sketch.TimelineAsync();
        Assert.Contains("First check-in; says no version", timeline);
        Assert.Contains("Is taken to run 1.1.0", timeline);
        Assert.DoesNotContain(timeline, text => text.Contains("unknown", StringComparison.Ordinal));

        _sketch.Version = "1.1.0";
        await _sketch.HeldAsync();
        Assert.Equal(("1.1.0", false), await RunsAsync());

        async Task<(string? Version, bool IsAssumed)> RunsAsync()
        {
            var shown = await _server.GetAsync($"api/v1/devices/{_id}");
            return (shown.GetProperty("running").GetString(), shown.GetProperty("runningAssumed").GetBoolean());
        }
    }

    [Fact]
    public async Task When_it_asks_next_is_said_to_be_expected_as_nobody_told_it()
    {
        Assert.False((await _sketch.ShownAsync()).GetProperty("nextCheckInExpected").GetBoolean());
        await _sketch.HeldAsync();
        Assert.True((await _sketch.ShownAsync()).GetProperty("nextCheckInExpected").GetBoolean());
        var client = await AHawkbitClient.AdoptAsync(_server);
        await client.PollAsync();
        Assert.False((await client.ShownAsync()).GetProperty("nextCheckInExpected").GetBoolean());
    }

    [Fact]
    public async Task The_hash_of_its_sketch_confirms_where_it_is_that_of_the_image()
    {
        _sketch.Version = null;
        await _sketch.HeldAsync();
        await DeployAsync("1.1.0");

        await _sketch.UpdateAsync("1.1.0");
        await _sketch.HeldAsync();

        Assert.Equal("confirmed", await _sketch.StateAsync());
    }

    [Fact]
    public async Task A_hash_that_stays_as_it_was_says_that_it_runs_what_it_ran()
    {
        _sketch.Version = null;
        await _sketch.HeldAsync();
        await DeployAsync("1.1.0");

        for (var tries = 0; tries < 3; tries++)
            await _sketch.FetchAsync();
        await _sketch.HeldAsync();

        Assert.Equal("reverted", await _sketch.StateAsync());
    }

    [Fact]
    public async Task A_download_that_was_cut_is_neither_counted_nor_confirmed()
    {
        await _server.UploadedAsync(ABuild.Of("1.2.0", new string('y', 8_000_000)));
        (_sketch.FreeSpace, _sketch.Version) = (16_000_000, "1.0.0");
        await DeployAsync("1.2.0");
        using (var socket = await RawHttp.ConnectAsync(_server))
        {
            socket.ReceiveBufferSize = 4096;
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(_sketch.Request()));
            Assert.True(await socket.ReceiveAsync(new byte[1000]) > 0);
        }

        Assert.Equal("offered", await _sketch.StateAsync());
        await _sketch.FetchAsync();
        Assert.Equal("downloaded", await _sketch.StateAsync());
    }

    [Fact]
    public async Task What_waits_in_the_system_for_a_slow_client_has_not_gone_out_to_it()
    {
        await _server.UploadedAsync(ABuild.Of("1.2.0", new string('y', 500_000)));
        await DeployAsync("1.2.0");

        for (var tries = 0; tries < 3; tries++)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            await socket.ConnectAsync(_server.Anyone.BaseAddress!.Host, _server.Anyone.BaseAddress.Port);
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(_sketch.Request()));
            Assert.True(await socket.ReceiveAsync(new byte[4096]) > 0);
        }

        Assert.Equal(500_000, (await _sketch.FetchAsync()).Length);
        Assert.DoesNotContain(await _sketch.TimelineAsync(), text => text.Contains("once more", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_does_not_fit_is_not_sent()
    {
        _sketch.FreeSpace = 100_000;
        await DeployAsync("1.1.0");

        await _sketch.HeldAsync();

        Assert.Equal("failed", await _sketch.StateAsync());
        Assert.Contains("no-space", (await DeploymentAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("The server says failed: no-space: the image has 200000 bytes, the device 100000 free", (await _sketch.TimelineAsync())[^1]);
        await _sketch.HeldAsync();
    }

    [Fact]
    public async Task It_may_ask_for_the_version_alone_and_for_a_file_system()
    {
        var answer = await _sketch.AskAsync("version");
        Assert.Equal((200, "1.0.0"), (answer.Status, answer.Header("x-version")));
        await DeployAsync("1.1.0");
        for (var looks = 0; looks < 3; looks++)
            Assert.Equal("1.1.0", (await _sketch.AskAsync("version")).Header("x-version"));

        Assert.Equal(304, (await _sketch.AskAsync("spiffs")).Status);
        Assert.Equal("ordered", await _sketch.StateAsync());
        await _sketch.UpdateAsync("1.1.0");
        Assert.Equal("1.1.0", (await _sketch.AskAsync("version")).Header("x-version"));
        Assert.Equal("confirmed", await _sketch.StateAsync());
        Assert.Equal(2, _server.Log.Text.Split($"{_id} is handed order ").Length);
        Assert.Single(await _sketch.TimelineAsync(), text => text.StartsWith("Offered ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_it_is_known_to_check_is_changed_by_adopting_it_again_and_stays_as_it_is_where_nothing_is_said()
    {
        async Task<(string?, string?)> AgainAsync(string? protection)
        {
            var view = await _server.PostAsync(
                "api/v1/products/kettle/clients", new { hardwareId = "24:6F:28:AA:3F:10", dialect = "esp8266", hardware = "virtual", protection });
            return (view.GetProperty("protection").GetString(), view.GetProperty("protectionBefore").GetString());
        }

        Assert.Equal(("signed", "md5"), await AgainAsync("signed"));
        Assert.Equal(("signed", null), await AgainAsync("signed"));
        Assert.Equal(("signed", null), await AgainAsync(null));
        Assert.Equal("signed", (await _sketch.ShownAsync()).GetProperty("protection").GetString());
    }

    [Fact]
    public async Task A_product_s_key_takes_in_so_many_devices_in_an_hour_and_those_it_has_go_on()
    {
        await _server.PostAsync("api/v1/products", new
        {
            name = "lamp", hardware = new[] { "esp8266" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") },
        });
        var key = await RulesAsync("lamp", enrolls: true, least: null);
        var known = new AnEspSketch(_server, "/esp8266/lamp." + key, "5C:CF:7F:00:00:01");
        var stranger = new AnEspSketch(_server, "/esp8266/lamp." + key, "5C:CF:7F:00:00:02");
        await TakenInAsync(known);
        var gate = _server.App.Services.GetRequiredService<AdoptionGate>();
        var product = _server.App.Services.GetRequiredService<ProductCatalog>().Find("lamp")!;
        for (var taken = 1; taken < AdoptionGate.MostInAnHour; taken++)
            Assert.Null(await gate.EnterAsync(product));

        for (var again = 0; again < 3; again++)
        {
            var refused = await stranger.AskAsync();
            Assert.Equal(429, refused.Status);
            Assert.InRange(int.Parse(refused.Header("Retry-After")!, null), 1, 3600);
        }

        Assert.NotEqual(429, (await known.AskAsync()).Status);
        Assert.Single(
            (await _server.GetAsync("api/v1/audit")).EnumerateArray(), entry => entry.GetProperty("action").GetString() == "product.dialect-key-limited");
        Assert.Contains("The dialect key of lamp has taken in 1000 devices within an hour", _server.Log.Text, StringComparison.Ordinal);
        _server.Time.Ahead += TimeSpan.FromHours(1);
        await TakenInAsync(stranger);
    }

    [Fact]
    public async Task Who_is_refused_with_a_product_s_key_however_often_it_asks_takes_no_place_of_a_new_device()
    {
        var added = await _server.PostAsync("api/v1/products", new
        {
            name = "lamp", hardware = new[] { "esp8266" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") },
        });
        var key = await RulesAsync("lamp", enrolls: true, least: null);
        const string ours = "5c:cf:7f:00:00:01";
        using (var enrolled = await ADevice.AskAsync(_server, added.GetProperty("enrollmentKey").GetString()!, ours, "lamp", "esp8266"))
            Assert.Equal(HttpStatusCode.Created, enrolled.StatusCode);
        var gate = _server.App.Services.GetRequiredService<AdoptionGate>();
        var product = _server.App.Services.GetRequiredService<ProductCatalog>().Find("lamp")!;
        for (var taken = 1; taken < AdoptionGate.MostInAnHour; taken++)
            Assert.Null(await gate.EnterAsync(product));

        for (var again = 0; again < 3; again++)
            Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266/lamp." + key, ours).AskAsync()).Status);

        await TakenInAsync(new AnEspSketch(_server, "/esp8266/lamp." + key, "5C:CF:7F:00:00:02"));
    }

    private static async Task TakenInAsync(AnEspSketch sketch)
    {
        Assert.Equal(304, (await sketch.AskAsync()).Status);
        Assert.Equal("enrolled", await sketch.StateAsync());
    }

    [Fact]
    public async Task It_may_show_its_token_by_basic_authentication()
    {
        var (name, token) = (_id, _sketch.Path[(_sketch.Path.IndexOf('.', StringComparison.Ordinal) + 1)..]);
        var basic = new AnEspSketch(_server, "/esp8266") { More = AnEspSketch.Basic(name, token) };
        await DeployAsync("1.1.0");

        await basic.UpdateAsync("1.1.0");
        await basic.HeldAsync();

        Assert.Equal("confirmed", await basic.StateAsync());
        Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266") { More = AnEspSketch.Basic(name, token[..^1] + "!") }.AskAsync()).Status);
    }

    [Fact]
    public async Task Strangers_are_told_nothing_of_who_is_known()
    {
        var known = await new AnEspSketch(_server, $"/esp8266/{_id}.{new string('A', 43)}").AskAsync();
        foreach (var path in new[] { "/esp8266", $"/esp8266/nobody000000.{new string('A', 43)}", "/esp8266/kettle.key", "/esp8266/.", "/esp8266/" + _id, _sketch.Path.Replace("esp8266", "esp32", StringComparison.Ordinal) })
        {
            var answer = await new AnEspSketch(_server, path).AskAsync();
            Assert.Equal(401, answer.Status);
            Assert.Equal(Said(known), Said(answer));
        }
    }

    [Fact]
    public async Task A_product_may_enroll_by_its_key_whoever_names_a_mac()
    {
        await _server.PostAsync("api/v1/products", new
        {
            name = "lamp", hardware = new[] { "esp8266", "esp32" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") }, poll = "02:00 UTC ±60m",
        });
        var key = await RulesAsync("lamp", enrolls: true, least: null);
        var unknown = new AnEspSketch(_server, "/esp8266/lamp." + key, "5C:CF:7F:00:00:01") { More = "x-ota-rssi: -71\r\n" };
        await unknown.HeldAsync();

        var shown = await unknown.ShownAsync();
        Assert.Equal("5c:cf:7f:00:00:01", shown.GetProperty("hardwareId").GetString());
        Assert.Equal(("esp8266", -71), (shown.GetProperty("hardware").GetString(), shown.GetProperty("rssi").GetInt32()));
        Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266/lamp." + key, "no mac").AskAsync()).Status);
        Assert.Equal(401, (await new AnEspSketch(_server, "/esp8266/lamp." + key[..^1], "5C:CF:7F:00:00:01").AskAsync()).Status);

        await RulesAsync("lamp", enrolls: false, least: null);
        Assert.Equal(401, (await unknown.AskAsync()).Status);
    }

    [Fact]
    public async Task The_key_of_a_product_does_not_reach_our_own_agents()
    {
        var enrollment = (await _server.GetAsync("api/v1/products/kettle")).GetProperty("enrollmentKey").GetString()!;
        await ADevice.EnrollAsync(_server, enrollment, "24:6f:28:00:00:09");
        var key = await RulesAsync("kettle", enrolls: true, least: null);

        Assert.Equal(401, (await new AnEspSketch(_server, $"/esp8266/kettle.{key}?hardware=virtual", "24:6F:28:00:00:09").AskAsync()).Status);
        using var answer = await ADevice.AskAsync(_server, enrollment, "24:6f:28:aa:3f:10");
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    [Fact]
    public async Task A_hand_over_ends_the_old_address()
    {
        await _sketch.HeldAsync();
        await _server.PostAsync($"api/v1/devices/{_id}/hand-over", new { reason = "sold" });
        var (_, next) = await AnEspSketch.AdoptAsync(_server);

        Assert.NotEqual(_sketch.Path, next.Path);
        Assert.Equal(401, (await _sketch.AskAsync()).Status);
        await next.HeldAsync();
    }

    [Fact]
    public async Task A_product_may_refuse_clients_that_check_too_little_and_the_timeline_says_so_once()
    {
        await RulesAsync("kettle", enrolls: false, least: "signed");
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });

        await _sketch.HeldAsync();
        await _sketch.HeldAsync();
        Assert.Single(await _sketch.TimelineAsync(), text => text.Contains("checks too little", StringComparison.Ordinal));
        using var refused = await _server.Admin.PostAsJsonAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", device = _id });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);

        await AnEspSketch.AdoptAsync(_server, protection: "signed");
        await _sketch.UpdateAsync("1.1.0");
        await _sketch.HeldAsync();
        Assert.Equal("confirmed", await _sketch.StateAsync());
    }

    [Fact]
    public async Task A_version_in_another_spelling_is_the_same_version()
    {
        _sketch.Version = "v1.1";
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });

        await _sketch.HeldAsync();

        Assert.Equal("1.1.0", (await _sketch.ShownAsync()).GetProperty("running").GetString());
    }

    [Fact]
    public async Task What_cannot_be_done_to_a_client_is_said()
    {
        foreach (var (path, body) in new (string, object)[]
        {
            ($"api/v1/devices/{_id}/decommission", new { reason = "sold" }),
            ($"api/v1/devices/{_id}/provision", new { ssid = "home", password = "12345678" }),
        })
        {
            using var answer = await _server.Admin.PostAsJsonAsync(path, body);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            Assert.Contains("esp8266", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    private static string Said(RawAnswer answer) => JsonDocument.Parse(answer.Body).RootElement.GetProperty("detail").GetString()!;

    private Task<JsonElement> DeployAsync(string version) =>
        _server.PostAsync("api/v1/deployments", new { product = "kettle", version, device = _id });

    private async Task<JsonElement> DeploymentAsync() => (await _sketch.ShownAsync()).GetProperty("deployments")[0];

    private async Task<string> RulesAsync(string product, bool enrolls, string? least)
    {
        using var answer = await _server.Admin.PutAsJsonAsync($"api/v1/products/{product}/dialects", new { dialects = new { enrolls, least } });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("dialectKey").GetString() ?? "";
    }
}
