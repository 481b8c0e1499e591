using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Pins;

/// <summary>Virtual pins on a real server: an app writes and a device hears it, and the other way round.</summary>
public class PinTests : IAsyncLifetime
{
    private const string Json = "application/json";
    private RunningServer _server = null!;
    private string _enrollmentKey = "";
    private ADevice _device = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_write_reaches_a_device_that_waits_and_what_it_writes_reaches_an_app_that_waits()
    {
        var waiting = AskAsync("after=0&wait=20");
        await _server.SetPinAsync(_device, "5", "21.5");
        var told = await Told(waiting);
        Assert.Equal((5, "21.5"), Only(told));

        var seq = told.GetProperty("seq").GetInt64();
        var watching = _server.GetAsync($"api/v1/devices/{_device.Id}/pins?after={seq}&wait=20");
        using (var written = await _device.PutAsync("agent/v1/pins/7", new { value = "warm" }))
            Assert.Equal(HttpStatusCode.NoContent, written.StatusCode);
        var pin = (await watching).GetProperty("pins").EnumerateArray().Single(pin => pin.GetProperty("pin").GetInt32() == 7);
        Assert.Equal(("warm", "device", JsonValueKind.Null), (Text(pin, "value"), Text(pin, "source"), pin.GetProperty("by").ValueKind));

        // What it wrote itself is no news to it.
        using var silence = await AskAsync($"after={seq}");
        Assert.Equal(HttpStatusCode.NoContent, silence.StatusCode);
        Assert.Equal("first admin", Text(await _server.PinAsync(_device, "5"), "by"));
    }

    [Fact]
    public async Task A_device_that_was_away_gets_the_last_value_of_each_pin_in_the_order_of_the_writes()
    {
        foreach (var (pin, value) in new[] { ("1", "a"), ("2", "b"), ("1", "c"), ("3", "d") })
            await _server.SetPinAsync(_device, pin, value);
        await _server.RestartAsync();

        var told = await Told(AskAsync("after=0&wait=5"));

        Assert.Equal(
            ["2 b", "1 c", "3 d"],
            told.GetProperty("writes").EnumerateArray().Select(write => $"{write.GetProperty("pin")} {write.GetProperty("value")}"));
        using var silence = await AskAsync($"after={told.GetProperty("seq")}");
        Assert.Equal(HttpStatusCode.NoContent, silence.StatusCode);
    }

    [Fact]
    public async Task Many_writes_come_in_answers_that_a_device_has_the_memory_for()
    {
        for (var pin = 0; pin < 30; pin++)
            await _server.SetPinAsync(_device, $"{pin}", new string('"', 1024));
        var (pins, after) = (new List<int>(), 0L);
        while (true)
        {
            using var answer = await AskAsync($"after={after}");
            if (answer.StatusCode == HttpStatusCode.NoContent)
                break;
            Assert.InRange(answer.Content.Headers.ContentLength!.Value, 1, 20_000);
            var told = await answer.Content.ReadFromJsonAsync<JsonElement>();
            pins.AddRange(told.GetProperty("writes").EnumerateArray().Select(write => write.GetProperty("pin").GetInt32()));
            after = told.GetProperty("seq").GetInt64();
        }

        Assert.Equal(Enumerable.Range(0, 30), pins);
    }

    [Fact]
    public async Task Asked_after_what_was_never_written_it_gets_what_there_is()
    {
        await _server.SetPinAsync(_device, "5", "on");

        // As a server does that was restored from a backup.
        var told = await Told(AskAsync($"after={long.MaxValue}&wait=20"));

        Assert.Equal((5, "on"), Only(told));
    }

    [Fact]
    public async Task The_pin_token_opens_pins_and_nothing_else()
    {
        using var enrolled = await ADevice.AskAsync(_server, _enrollmentKey);
        var handed = (await enrolled.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("pins");
        Assert.Equal(251, handed.GetProperty("system").GetProperty("checkNow").GetInt32());
        var made = await _server.PostAsync($"api/v1/devices/{_device.Id}/pin-token", new { });
        Assert.Equal(_device.Id + "." + Text(handed, "token"), Text(made, "token"));
        var holder = new ADevice(_server, _device.Id, Text(handed, "token"));

        using (var written = await holder.PutAsync("agent/v1/pins/9", new { value = "x" }))
            Assert.Equal(HttpStatusCode.NoContent, written.StatusCode);
        using (var asked = await holder.GetAsync("agent/v1/pins"))
            Assert.Equal(HttpStatusCode.NoContent, asked.StatusCode);
        using (var checkIn = await holder.CheckInAsync())
            Assert.Equal(HttpStatusCode.Unauthorized, checkIn.StatusCode);
        using (var report = await holder.ReportAsync())
            Assert.Equal(HttpStatusCode.Unauthorized, report.StatusCode);
        using (var image = await holder.GetAsync("images/" + new string('0', 64)))
            Assert.Equal(HttpStatusCode.Unauthorized, image.StatusCode);
        Assert.Contains(
            (await _server.GetAsync("api/v1/audit")).EnumerateArray(),
            entry => (Text(entry, "action"), Text(entry, "subject")) == ("device.pin-token", _device.Id));
        Assert.DoesNotContain(Text(handed, "token"), _server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_next_owner_begins_with_no_pins_and_the_former_ones_tokens_open_nothing()
    {
        var former = new ADevice(_server, _device.Id, (await PinTokenAsync()).Split('.')[1]);
        await _device.HeldAsync();
        await _server.SetPinAsync(_device, "5", "private");
        await _server.PostAsync($"api/v1/devices/{_device.Id}/hand-over", new { });

        var next = await ADevice.EnrollAsync(_server, _enrollmentKey);

        foreach (var caller in new[] { _device, former })
        {
            using var asked = await caller.GetAsync("agent/v1/pins");
            using var written = await caller.PutAsync("agent/v1/pins/5", new { value = "mine" });
            Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (asked.StatusCode, written.StatusCode));
        }

        using var empty = await next.GetAsync("agent/v1/pins");
        Assert.Equal(HttpStatusCode.NoContent, empty.StatusCode);
        Assert.Equal(0, (await _server.GetAsync($"api/v1/devices/{_device.Id}/pins")).GetProperty("pins").GetArrayLength());
    }

    [Theory]
    [InlineData("256", """{"value":"x"}""", HttpStatusCode.BadRequest)]
    [InlineData("-1", """{"value":"x"}""", HttpStatusCode.BadRequest)]
    [InlineData("five", """{"value":"x"}""", HttpStatusCode.BadRequest)]
    [InlineData("5", """{"value":5}""", HttpStatusCode.BadRequest)]
    [InlineData("5", """{"value":null}""", HttpStatusCode.BadRequest)]
    [InlineData("5", "{}", HttpStatusCode.BadRequest)]
    [InlineData("5", "null", HttpStatusCode.BadRequest)]
    [InlineData("5", "", HttpStatusCode.BadRequest)]
    [InlineData("5", """{"value":"a\u0000b"}""", HttpStatusCode.BadRequest)]
    [InlineData("5", """{"value":"a\nb"}""", HttpStatusCode.BadRequest)]
    [InlineData("5", """{"value":"\ud800"}""", HttpStatusCode.BadRequest)]
    [InlineData("252", """{"value":"up-to-date"}""", HttpStatusCode.UnprocessableEntity)]
    public async Task Writes_that_make_no_sense_are_refused_to_devices_and_staff_alike(string pin, string body, HttpStatusCode status)
    {
        using (var written = await _device.SendAsync(HttpMethod.Put, $"agent/v1/pins/{pin}", new StringContent(body, Encoding.UTF8, Json)))
            await AssertProblemAsync(status, written);
        using var set = await _server.Admin.PutAsync(
            $"api/v1/devices/{_device.Id}/pins/{pin}", new StringContent(body, Encoding.UTF8, Json));
        await AssertProblemAsync(status, set);
    }

    [Theory]
    [InlineData("wait=56")]
    [InlineData("wait=-1")]
    [InlineData("wait=soon")]
    [InlineData("after=-1")]
    [InlineData("after=1e3")]
    [InlineData("after=99999999999999999999")]
    public async Task Questions_that_make_no_sense_are_refused(string query)
    {
        using (var asked = await AskAsync(query))
            await AssertProblemAsync(HttpStatusCode.BadRequest, asked);
        using var listed = await _server.Admin.GetAsync($"api/v1/devices/{_device.Id}/pins?{query}");
        await AssertProblemAsync(HttpStatusCode.BadRequest, listed);
    }

    [Fact]
    public async Task Large_strange_and_unknown_are_refused()
    {
        using (var large = await _device.PutAsync("agent/v1/pins/5", new { value = new string('x', 1025) }))
            await AssertProblemAsync(HttpStatusCode.BadRequest, large);
        using (var larger = await _device.PutAsync("agent/v1/pins/5", new { value = new string('x', 9000) }))
            await AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, larger);
        using (var text = await _device.SendAsync(HttpMethod.Put, "agent/v1/pins/5", new StringContent("on")))
            await AssertProblemAsync(HttpStatusCode.UnsupportedMediaType, text);
        using (var stranger = await new ADevice(_server, _device.Id, new string('A', 43)).GetAsync("agent/v1/pins?wait=5"))
            await AssertProblemAsync(HttpStatusCode.Unauthorized, stranger);
        using (var nobody = await _server.Anyone.GetAsync("agent/v1/pins"))
            await AssertProblemAsync(HttpStatusCode.Unauthorized, nobody);
        using (var unknown = await _server.Admin.GetAsync("api/v1/devices/nobody/pins"))
            await AssertProblemAsync(HttpStatusCode.NotFound, unknown);
        using (var unwritten = await _server.Admin.GetAsync($"api/v1/devices/{_device.Id}/pins/17"))
            await AssertProblemAsync(HttpStatusCode.NotFound, unwritten);
        using var checkNow = await _device.PutAsync("agent/v1/pins/251", new { value = "1" });
        await AssertProblemAsync(HttpStatusCode.UnprocessableEntity, checkNow);
    }

    [Fact]
    public async Task A_flood_is_told_to_come_back_later_and_others_go_on()
    {
        var other = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        HttpResponseMessage? refused = null;
        for (var i = 0; i < 500 && refused is null; i++)
        {
            var answer = await _device.PutAsync("agent/v1/pins/5", new { value = "x" });
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
                refused = answer;
            else
                answer.Dispose();
        }

        Assert.NotNull(refused);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        refused.Dispose();
        using var written = await other.PutAsync("agent/v1/pins/5", new { value = "x" });
        Assert.Equal(HttpStatusCode.NoContent, written.StatusCode);
    }

    [Fact]
    public async Task Of_a_devices_calls_that_wait_the_newest_wins()
    {
        var first = AskAsync("wait=55");
        await Task.WhenAny(first, Task.Delay(200));
        var second = AskAsync("wait=55");

        using (var replaced = await first.WaitAsync(TimeSpan.FromSeconds(30)))
            Assert.Equal(HttpStatusCode.NoContent, replaced.StatusCode);
        await _server.SetPinAsync(_device, "5", "on");
        Assert.Equal((5, "on"), Only(await Told(second)));
    }

    [Fact]
    public async Task Calls_that_wait_end_when_their_time_is_over_and_when_the_server_stops()
    {
        using (var silence = await AskAsync("wait=1"))
            Assert.Equal(HttpStatusCode.NoContent, silence.StatusCode);
        var waiting = AskAsync("wait=55");
        var watching = _server.Admin.GetAsync($"api/v1/devices/{_device.Id}/pins?wait=55&after={long.MaxValue}");
        await Task.WhenAny(waiting, Task.Delay(200));

        var stopping = Stopwatch.StartNew();
        await _server.App.StopAsync();

        // A second, and what a busy machine adds; not the rest of their wait.
        Assert.InRange(stopping.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        using (var ended = await waiting)
            Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
        using (var ended = await watching)
            Assert.Equal(HttpStatusCode.OK, ended.StatusCode);
        await _server.RestartAsync();
        var again = AskAsync("wait=20");
        await _server.SetPinAsync(_device, "5", "on");
        Assert.Equal((5, "on"), Only(await Told(again)));
    }

    private async Task<string> PinTokenAsync() => Text(await _server.PostAsync($"api/v1/devices/{_device.Id}/pin-token", new { }), "token");

    private Task<HttpResponseMessage> AskAsync(string query) => _device.GetAsync("agent/v1/pins?" + query);

    private static (int Pin, string Value) Only(JsonElement told)
    {
        var write = Assert.Single(told.GetProperty("writes").EnumerateArray());
        return (write.GetProperty("pin").GetInt32(), Text(write, "value"));
    }

    private static async Task<JsonElement> Told(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static async Task AssertProblemAsync(HttpStatusCode status, HttpResponseMessage answer)
    {
        Assert.True(status == answer.StatusCode, $"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        Assert.Equal(new MediaTypeHeaderValue("application/problem+json"), answer.Content.Headers.ContentType);
    }
}
