using System.Net;
using System.Text;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>Blynk's HTTP API of a device, in its present and in its older form, on a real server.</summary>
public class BlynkHttpTests : IAsyncLifetime
{
    private const string WrongToken = "00000000000000000000000000000000";
    private RunningServer _server = null!;
    private string _enrollmentKey = "";
    private ADevice _device = null!;
    private string _token = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        _token = await ASketch.TokenAsync(_server, _device.Id);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_token_has_32_characters_that_a_sketch_can_hold_and_no_two_devices_share_one()
    {
        var other = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");

        Assert.Matches("^[A-Za-z0-9_-]{32}$", _token);
        Assert.NotEqual(_token, await ASketch.TokenAsync(_server, other.Id));
        await _server.RestartAsync();
        Assert.Equal(_token, await ASketch.TokenAsync(_server, _device.Id));
    }

    [Fact]
    public async Task What_is_written_is_read_and_an_agent_that_waits_hears_it()
    {
        var waiting = _device.GetAsync("agent/v1/pins?after=0&wait=20");
        await EmptyAsync($"external/api/update?token={_token}&v1=100");
        using var told = await waiting;
        Assert.Contains("\"pin\":1,\"value\":\"100\"", await told.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        await EmptyAsync($"external/api/batch/update?token={_token}&V2=a%20b&v3=21.5%20%C2%B0C");
        await EmptyAsync($"external/api/update?token={_token}&pin=V4&value=13.4&value=52.5");
        Assert.Equal("100", await GetAsync($"external/api/get?token={_token}&v1"));
        Assert.Equal("a b", await GetAsync($"external/api/get?token={_token}&V2"));
        Assert.Equal("21.5 °C", await GetAsync($"external/api/get?token={_token}&pin=v3"));
        Assert.Equal("[\"13.4\",\"52.5\"]", await GetAsync($"external/api/get?token={_token}&v4"));
        Assert.Equal("{\"v1\":\"100\",\"v2\":\"a b\"}", await GetAsync($"external/api/get?token={_token}&v1&v2"));
        Assert.Equal("", await GetAsync($"external/api/get?token={_token}&v200"));
        Assert.Equal("Blynk app", (await _server.PinAsync(_device, "1")).GetProperty("by").GetString());
        Assert.Equal("false", await GetAsync($"external/api/isHardwareConnected?token={_token}"));
    }

    [Fact]
    public async Task The_older_form_reads_and_writes_the_same_pins()
    {
        await EmptyAsync($"{_token}/update/V1?value=a");
        Assert.Equal("[\"a\"]", await GetAsync($"{_token}/get/V1"));
        using (var put = await _server.Anyone.PutAsync($"{_token}/update/v2", new StringContent("[\"x\", 7]", Encoding.UTF8, "application/json")))
            Assert.Equal((HttpStatusCode.OK, ""), (put.StatusCode, await put.Content.ReadAsStringAsync()));
        Assert.Equal("[\"x\",\"7\"]", await GetAsync($"{_token}/get/V2"));
        Assert.Equal("false", await GetAsync($"{_token}/isHardwareConnected"));
        Assert.Equal("a", await GetAsync($"external/api/get?token={_token}&v1"));
    }

    [Theory]
    [InlineData("external/api/update?token=TOKEN&v256=1", "Wrong pin format.")]
    [InlineData("external/api/update?token=TOKEN", "Wrong pin format.")]
    [InlineData("external/api/update?token=TOKEN&pin=D4&value=1", "Wrong pin format.")]
    [InlineData("external/api/update?token=TOKEN&v252=1", "This pin is written by the server.")]
    [InlineData("external/api/update?token=TOKEN&pin=V1", "A value has at most 1024 bytes and no control characters.")]
    [InlineData("external/api/update?token=TOKEN&v1=%00", "A value has at most 1024 bytes and no control characters.")]
    [InlineData("external/api/update?v1=1", "Invalid token.")]
    [InlineData("external/api/update?token=TOKEN&token=TOKEN&v1=1", "Invalid token.")]
    [InlineData("external/api/batch/update?token=00000000000000000000000000000000&V1=1", "Invalid token.")]
    [InlineData("external/api/get?token=TOKEN", "Wrong pin format.")]
    [InlineData("external/api/get?token=TOKEN&x1", "Wrong pin format.")]
    [InlineData("external/api/get?token=x&v1", "Invalid token.")]
    [InlineData("external/api/isHardwareConnected?token=", "Invalid token.")]
    [InlineData("external/api/logEvent?token=x&code=a", "Invalid token.")]
    [InlineData("external/api/logEvent?token=TOKEN&description=a", "An event has a code, and at most 500 characters.")]
    public async Task What_cannot_be_done_is_said_as_the_contract_says_it(string path, string reason)
    {
        using var answer = await _server.Anyone.GetAsync(path.Replace("TOKEN", _token, StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal($"{{\"error\":{{\"message\":\"{reason}\"}}}}", await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET", "x/get/V1", "Invalid token.")]
    [InlineData("GET", WrongToken + "/update/V1?value=1", "Invalid token.")]
    [InlineData("GET", WrongToken + "/isHardwareConnected", "Invalid token.")]
    [InlineData("GET", "TOKEN/get/256", "Wrong pin format.")]
    [InlineData("GET", "TOKEN/update/D4?value=1", "Wrong pin format.")]
    [InlineData("GET", "TOKEN/update/V1", "Wrong value format.")]
    [InlineData("PUT", "TOKEN/update/V1", "Wrong value format.")]
    [InlineData("GET", "TOKEN/get/V1", "Requested pin doesn't exist in the app.")]
    public async Task The_older_form_says_it_in_plain_text(string method, string path, string reason)
    {
        foreach (var body in (string[])["", "[]", "{", "[[1]]", "{\"a\":1}", "[\"\\ud800\"]", "[\"" + new string('x', 9000) + "\"]"])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("TOKEN", _token, StringComparison.Ordinal));
            request.Content = method == "PUT" ? new StringContent(body, Encoding.UTF8, "application/json") : null;
            using var answer = await _server.Anyone.SendAsync(request);

            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
            Assert.Equal(reason, await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task One_wrong_pin_of_a_batch_writes_none_of_them()
    {
        using var answer = await _server.Anyone.GetAsync($"external/api/batch/update?token={_token}&V1=a&V252=b");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("", await GetAsync($"external/api/get?token={_token}&v1"));
    }

    [Fact]
    public async Task A_flood_of_calls_is_told_to_come_back_later_and_the_devices_own_calls_are_not()
    {
        HttpResponseMessage last;
        var calls = 0;
        do
        {
            last = await _server.Anyone.GetAsync($"external/api/get?token={_token}&v1");
            calls++;
        }
        while (last.StatusCode == HttpStatusCode.OK && calls < 1000);

        Assert.Equal((HttpStatusCode)429, last.StatusCode);
        Assert.Equal("1", last.Headers.RetryAfter!.ToString());
        last.Dispose();
        using var own = await _device.PutAsync("agent/v1/pins/7", new { value = "warm" });
        Assert.Equal(HttpStatusCode.NoContent, own.StatusCode);
    }

    [Fact]
    public async Task An_event_stands_in_the_timeline()
    {
        await EmptyAsync($"external/api/logEvent?token={_token}&code=overheated&description=boiler%20at%2099");

        var timeline = (await _device.ShownAsync()).GetProperty("timeline").EnumerateArray();
        Assert.Equal("overheated: boiler at 99", timeline.Single(entry => entry.GetProperty("kind").GetString() == "event").GetProperty("text").GetString());
    }

    [Fact]
    public async Task The_token_opens_pins_and_nothing_else_and_a_hand_over_revokes_it()
    {
        foreach (var bearer in (string[])[_token, $"{_device.Id}.{_token}"])
        {
            using var client = _server.With(bearer);
            foreach (var path in (string[])["agent/v1/pins", "api/v1/products", "images/" + new string('0', 64)])
            {
                using var answer = await client.GetAsync(path);
                Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            }
        }

        await _device.HeldAsync();
        await _server.PostAsync($"api/v1/devices/{_device.Id}/hand-over", new { });
        await ADevice.EnrollAsync(_server, _enrollmentKey);
        using var former = await _server.Anyone.GetAsync($"external/api/get?token={_token}&v1");
        Assert.Equal(HttpStatusCode.BadRequest, former.StatusCode);
        Assert.NotEqual(_token, await ASketch.TokenAsync(_server, _device.Id));
    }

    [Fact]
    public async Task Other_routes_stay_what_they_were()
    {
        using var none = await _server.Anyone.GetAsync("no/such/path");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        using var staff = await _server.Anyone.GetAsync($"api/v1/devices/{_device.Id}/pins/get");
        Assert.Equal(HttpStatusCode.Unauthorized, staff.StatusCode);
        using var images = await _server.Anyone.GetAsync("images/isHardwareConnected");
        Assert.NotEqual(HttpStatusCode.BadRequest, images.StatusCode);
    }

    [Fact]
    public async Task A_token_in_an_address_is_in_no_log_and_in_no_audit()
    {
        await EmptyAsync($"external/api/update?token={_token}&v1=100");
        using var wrong = await _server.Anyone.GetAsync($"{_token}/update/V999?value=1");
        using var nowhere = await _server.Anyone.PostAsync($"{_token}/update/V1", content: null);

        Assert.DoesNotContain(_token, await nowhere.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(_token, _server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(_token, (await _server.GetAsync("api/v1/audit")).ToString(), StringComparison.Ordinal);
        Assert.Contains("device.blynk-token", (await _server.GetAsync("api/v1/audit")).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_in_an_address_is_in_no_log_even_when_everything_is_logged()
    {
        await using var server = await RunningServer.StartAsync(
            null, "--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft.AspNetCore=Trace",
            "--Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics=Trace", "--Logging:LogLevel:Microsoft.AspNetCore.Routing=Trace");
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        var token = await ASketch.TokenAsync(server, device.Id);
        foreach (var path in (string[])["external/api/update?token=TOKEN&v1=1", "TOKEN/update/V1?value=1", "TOKEN/get/V1", "TOKEN/nowhere", "TOKEN"])
            (await server.Anyone.GetAsync(path.Replace("TOKEN", token, StringComparison.Ordinal))).Dispose();

        Assert.DoesNotContain(token, server.Log.Text, StringComparison.Ordinal);
    }

    private async Task<string> GetAsync(string path)
    {
        using var answer = await _server.Anyone.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return text;
    }

    private async Task EmptyAsync(string path) => Assert.Equal("", await GetAsync(path));
}
