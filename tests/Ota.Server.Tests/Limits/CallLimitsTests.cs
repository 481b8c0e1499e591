using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Tests.Dialects;
using Ota.Server.Tests.Dialects.Blynk;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Limits;

/// <summary>What a real server answers to who calls too often, at each of its doors.</summary>
public class CallLimitsTests : IAsyncLifetime
{
    private const int Calls = 20;
    private RunningServer _server = null!;
    private string _enrollmentKey = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(
            null, "--DeviceCallsPerMinute", $"{Calls}", "--RefusedCallsPerMinute", $"{Calls}", "--KeyCallsPerMinute", "500", "--BlynkPort", "127.0.0.1:0");
        _server.Time.Still = _server.Time.GetUtcNow();
        _enrollmentKey = await _server.AddProductAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_device_that_asks_in_a_loop_is_told_when_to_come_back_and_is_held_again_then()
    {
        using var counted = new Counted(_server);
        var device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        var other = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        for (var i = 0; i < Calls - 1; i++)
            await device.HeldAsync();
        using (var report = await device.ReportAsync())
            Assert.Equal(HttpStatusCode.NoContent, report.StatusCode);

        using (var checkIn = await device.CheckInAsync())
            await AssertTooManyAsync(checkIn, "A device makes at most 20 calls a minute");
        using (var report = await device.ReportAsync())
            await AssertTooManyAsync(report, "Keep running");
        using (var image = await device.GetAsync("images/" + new string('0', 64)))
            await AssertTooManyAsync(image, "Keep running");
        Assert.Equal(3, counted.Of("device"));
        await other.HeldAsync();
        _server.Time.Still += TimeSpan.FromSeconds(3);
        await device.HeldAsync();
    }

    [Theory]
    [InlineData(-30)]
    [InlineData(-59)]
    [InlineData(-62)]
    [InlineData(-86_400)]
    public async Task A_server_whose_clock_is_put_back_refuses_nobody_for_it_and_gives_nobody_more(int seconds)
    {
        var device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        for (var i = 0; i < Calls / 2; i++)
            await device.HeldAsync();

        _server.Time.Still += TimeSpan.FromSeconds(seconds);

        for (var i = 0; i < Calls / 2; i++)
            await device.HeldAsync();
        using (var refused = await device.CheckInAsync())
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.True((await _server.GetAsync("api/v1/whoami")).TryGetProperty("name", out _));
    }

    [Fact]
    public async Task An_image_in_pieces_is_no_loop()
    {
        var build = ABuild.Of("1.0.0", new string('x', 100));
        await _server.UploadedAsync(build);
        var device = await ADevice.EnrollAsync(_server, _enrollmentKey);

        for (var piece = 0; piece < 100; piece++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "images/" + build.Statement.Image.Sha256) { Headers = { { "Range", $"bytes={piece}-{piece}" } } };
            request.Headers.Authorization = new("Bearer", device.Id + "." + device.Token);
            using var answer = await _server.Anyone.SendAsync(request);
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        }

        await device.HeldAsync();
    }

    [Fact]
    public async Task Pins_are_written_at_their_own_rate_and_leave_the_devices_calls_to_it()
    {
        var device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        for (var i = 0; i < 2 * Calls; i++)
        {
            using var answer = await device.PutAsync("agent/v1/pins/5", new { value = "1" });
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        await device.HeldAsync();
    }

    [Fact]
    public async Task A_thousand_devices_behind_one_address_are_all_served_also_beside_a_stranger_who_guesses_there()
    {
        for (var i = 0; i <= Calls; i++)
        {
            using var guess = await new ADevice(_server, "k7m2q9x4td3w", "not-a-token").CheckInAsync();
            Assert.Equal(i < Calls ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, guess.StatusCode);
        }

        for (var i = 0; i < 1000; i++)
            await (await ADevice.EnrollAsync(_server, _enrollmentKey, $"02:00:00:00:{i / 256:x2}:{i % 256:x2}")).HeldAsync();
    }

    [Fact]
    public async Task Refused_calls_of_an_address_are_told_to_come_back_later_at_every_door_and_those_of_another_address_are_not()
    {
        var doors = new (string Method, string Path, HttpStatusCode Refused)[]
        {
            ("POST", "agent/v1/check-in", HttpStatusCode.Unauthorized),
            ("POST", "agent/v1/reports", HttpStatusCode.Unauthorized),
            ("GET", "agent/v1/pins", HttpStatusCode.Unauthorized),
            ("POST", "agent/v1/enroll", HttpStatusCode.Forbidden),
            ("GET", "images/" + new string('0', 64), HttpStatusCode.Unauthorized),
            ("GET", "esp8266/x.y", HttpStatusCode.Unauthorized),
            ("GET", "tasmota/x.y/file.bin", HttpStatusCode.Unauthorized),
            ("GET", "esphome/x.y/manifest.json", HttpStatusCode.Unauthorized),
            ("GET", "esp-idf/x.y", HttpStatusCode.Unauthorized),
            ("GET", "hawkbit/kettle/controller/v1/x", HttpStatusCode.Unauthorized),
            ("POST", "mender/api/devices/v1/authentication/auth_requests", HttpStatusCode.Unauthorized),
            ("GET", "mender/api/devices/v1/deployments/device/deployments/next", HttpStatusCode.Unauthorized),
            ("GET", "mender/artifacts/x/" + new string('0', 64), HttpStatusCode.Forbidden),
            ("GET", "external/api/get?token=x&v1", HttpStatusCode.BadRequest),
            ("GET", "x/get/V1", HttpStatusCode.BadRequest),
            ("GET", "api/v1/whoami", HttpStatusCode.Unauthorized),
        };
        for (var i = 0; i < Calls; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await ToldAsync("192.0.2.1", "GET", "api/v1/whoami")).Status);

        foreach (var (method, path, refused) in doors)
        {
            Assert.Equal((path, HttpStatusCode.TooManyRequests, 3), await ToldAsync("192.0.2.1", method, path));
            Assert.Equal((path, refused, 0), await ToldAsync("192.0.2.2", method, path));
        }

        Assert.True((await _server.GetAsync("api/v1/whoami")).TryGetProperty("name", out _));
    }

    [Fact]
    public async Task Clients_in_dialects_that_ask_in_a_loop_get_an_answer_by_which_they_keep_what_they_run()
    {
        var (_, sketch) = await AnEspSketch.AdoptAsync(_server);
        var hawkbit = await AHawkbitClient.AdoptAsync(_server);
        for (var i = 0; i < Calls; i++)
        {
            Assert.Equal(304, (await sketch.AskAsync()).Status);
            Assert.Equal(200, (await hawkbit.GetAsync(hawkbit.Path)).Status);
        }

        foreach (var answer in new[] { await sketch.AskAsync(), await hawkbit.GetAsync(hawkbit.Path) })
            Assert.Equal((429, "3"), (answer.Status, answer.Header("Retry-After")));
    }

    [Fact]
    public async Task A_sketch_that_connects_in_a_loop_and_one_that_guesses_are_told_the_quota()
    {
        const string quota = "0000010001";
        var device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        var token = await ASketch.TokenAsync(_server, device.Id);
        for (var i = 0; i <= Calls; i++)
        {
            await using var guessing = await ASketch.ConnectAsync(_server);
            await guessing.SendAsync(29, 1, "not-a-token");
            Assert.Equal(i < Calls ? "0000010009" : quota, await guessing.ReadHexAsync(5));
        }

        for (var i = 0; i <= Calls; i++)
        {
            await using var sketch = await ASketch.ConnectAsync(_server);
            await sketch.SendAsync(29, 1, token);
            Assert.Equal(i < Calls ? "00000100c8" : quota, await sketch.ReadHexAsync(5));
        }
    }

    [Fact]
    public async Task A_staff_key_that_calls_in_a_loop_is_told_when_to_come_back_and_other_keys_go_on()
    {
        using var counted = new Counted(_server);
        using var script = await _server.AsAsync("viewer");
        for (var i = 0; i < 500; i++)
        {
            using var answer = await script.GetAsync("api/v1/whoami");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using (var answer = await script.GetAsync("api/v1/whoami"))
            await AssertTooManyAsync(answer, "A staff key makes at most 500 calls a minute", seconds: 1);
        using (var image = await script.GetAsync("images/" + new string('0', 64)))
            await AssertTooManyAsync(image, "staff key", seconds: 1);
        Assert.Equal(2, counted.Of("key"));
        await _server.GetAsync("api/v1/whoami");
    }

    [Fact]
    public async Task Attempts_to_sign_in_by_the_hundred_are_turned_away_before_anything_is_looked_up()
    {
        using var counted = new Counted(_server);
        using var browser = new ABrowser(_server);
        browser.Client.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.7");
        using var first = await ABrowser.OfTheFirstPersonAsync(_server);
        for (var i = 0; i <= Calls; i++)
        {
            using var answer = await browser.SignInAsync($"name {i}", "not the password");
            Assert.Equal(i < 5 ? HttpStatusCode.BadRequest : HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.Equal(i < 5, answer.Headers.RetryAfter is null);
        }

        Assert.Equal((1, Calls - 5), (counted.Of("address"), counted.Of("sign-in")));
        using var setup = await browser.SetUpAsync("no-code", "Eve");
        Assert.Equal(HttpStatusCode.TooManyRequests, setup.StatusCode);
        using var good = await first.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.Redirect, good.StatusCode);
    }

    [Fact]
    public async Task A_proxy_that_is_not_named_is_pointed_out_once()
    {
        await using var server = await RunningServer.StartAsync(null, "--RefusedCallsPerMinute", "1");
        server.Anyone.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.1, not-an-address");
        for (var i = 0; i < 4; i++)
        {
            using var refused = await server.Anyone.GetAsync("api/v1/whoami");
            Assert.Equal(i == 0, refused.StatusCode == HttpStatusCode.Unauthorized);
        }

        Assert.Equal(2, server.Log.Text.Split("name it by Proxies").Length);
    }

    [Fact]
    public async Task Without_limits_nobody_is_held_back()
    {
        await using var server = await RunningServer.StartAsync(
            null, "--DeviceCallsPerMinute", "0", "--RefusedCallsPerMinute", "0", "--KeyCallsPerMinute", "0");
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        for (var i = 0; i < 700; i++)
        {
            await device.HeldAsync();
            using var refused = await server.Anyone.GetAsync("api/v1/whoami");
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
    }

    [Theory]
    [InlineData("DeviceCallsPerMinute", "-1")]
    [InlineData("RefusedCallsPerMinute", "many")]
    [InlineData("KeyCallsPerMinute", "1000001")]
    public async Task A_limit_that_is_none_stops_the_start_with_its_name(string setting, string value)
    {
        var fault = await Assert.ThrowsAsync<Ota.Server.Settings.SettingFault>(() => RunningServer.StartAsync(null, "--" + setting, value));

        Assert.Contains($"Setting {setting} takes a whole number from 0 to 1000000", fault.Message, StringComparison.Ordinal);
    }

    private static async Task AssertTooManyAsync(HttpResponseMessage answer, string said, int seconds = 3)
    {
        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(seconds)), (answer.StatusCode, answer.Headers.RetryAfter?.Delta));
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("urn:ota:problem:too-many", problem.GetProperty("type").GetString());
        Assert.Contains(said, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.EndsWith($" Try again in {seconds} s.", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private async Task<(string Path, HttpStatusCode Status, int Seconds)> ToldAsync(string address, string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { { "X-Forwarded-For", address } } };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer nobody.nothing");
        if (method == "POST")
            request.Content = JsonContent.Create(new { product = "kettle", enrollmentKey = "wrong", hardwareId = "x", hardware = "virtual", running = "0.0.0" });
        using var answer = await _server.Anyone.SendAsync(request);
        return (path, answer.StatusCode, (int?)answer.Headers.RetryAfter?.Delta?.TotalSeconds ?? 0);
    }

    /// <summary>What a server counts as limited from here on, by kind.</summary>
    private sealed class Counted : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _kinds = [];

        public Counted(RunningServer server)
        {
            var factory = server.App.Services.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "ota.limited" && instrument.Meter.Scope == factory)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, more, tags, _) =>
            {
                lock (_kinds)
                    _kinds[(string)tags[0].Value!] = _kinds.GetValueOrDefault((string)tags[0].Value!) + more;
            });
            _listener.Start();
        }

        public long Of(string kind)
        {
            lock (_kinds)
                return _kinds.GetValueOrDefault(kind);
        }

        public void Dispose() => _listener.Dispose();
    }
}
