using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Recovery;

/// <summary>One unit, one shot: armed, taken, cleared, back; and nothing else ever.</summary>
public class RecoveryTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        await _server.UploadedAsync(Application("1.0.0"));
        await _server.UploadedAsync(Rescue("9.0.0"));
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = _device.Id });
        await _device.InstallAsync("1.0.0");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_recovery_is_over_when_the_unit_asks_again_from_what_it_ran_before()
    {
        var armed = await RecoverAsync();
        Assert.Equal("armed", armed.GetProperty("state").GetString());
        Assert.Equal("armed", await _device.StateAsync());

        Assert.Equal(1, (await _server.GetAsync("api/v1/deployments?state=armed")).GetArrayLength());
        Assert.Equal(1, (await _server.GetAsync("api/v1/devices?state=armed")).GetArrayLength());
        Assert.Equal(0, (await _server.GetAsync("api/v1/deployments?state=clearing")).GetArrayLength());

        var order = await TakeAsync();
        Assert.Equal("recover", order.GetProperty("action").GetString());
        Assert.Equal("offered", await _device.StateAsync());
        foreach (var (state, shown) in new[]
        {
            ("accepted", "delivered"), ("downloading", "delivered"), ("downloaded", "clearing"), ("confirmed", "awaiting-return"),
        })
        {
            using var answer = await ReportAsync(order, state);
            Assert.Equal(shown, await _device.StateAsync());
        }

        (_device.Cleared, _device.Starts) = (_device.LastOrder, 3);
        await _device.HeldAsync();

        Assert.Equal("completed", await _device.StateAsync());
        var kinds = (await _device.ShownAsync()).GetProperty("timeline").EnumerateArray().Select(e => e.GetProperty("kind").GetString()).ToArray();
        Assert.Equal(["armed", "offered", "completed"], kinds.Where(kind => kind is "armed" or "offered" or "completed").TakeLast(3));
        Assert.Contains((await _server.GetAsync("api/v1/audit")).EnumerateArray(), entry =>
            entry.GetProperty("action").GetString() == "device.recover" && entry.GetProperty("detail").GetString() == "the router is new");
        await _device.HeldAsync();
    }

    [Fact]
    public async Task What_a_check_in_says_proves_the_clearing_when_every_report_was_lost()
    {
        await RecoverAsync();
        await TakeAsync();

        _device.Cleared = _device.LastOrder;
        await _device.HeldAsync();

        Assert.Equal("completed", await _device.StateAsync());
    }

    [Fact]
    public async Task A_unit_that_comes_back_on_something_else_is_told_so()
    {
        await RecoverAsync();
        await TakeAsync();

        (_device.Cleared, _device.Running, _device.Release) = (_device.LastOrder, "0.0.0", null);
        await _device.HeldAsync();

        var story = await _device.ShownAsync();
        Assert.Equal("failed", story.GetProperty("state").GetString());
        Assert.Contains("came back on 0.0.0", story.GetProperty("deployments")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recovery_waits_nine_days_for_a_unit_that_is_off_and_no_longer_than_it_was_told()
    {
        await RecoverAsync(new { reason = "off", expiresIn = 10 * 24 * 3600 });
        _server.Time.Ahead = TimeSpan.FromDays(9);
        var order = await TakeAsync();

        // An order is good for a day, but not beyond the recovery's own time.
        Assert.InRange(order.GetProperty("expires").GetInt64() - order.GetProperty("issued").GetInt64(), 60, 24 * 3600);

        var other = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        await other.HeldAsync();
        await _server.PostAsync($"api/v1/devices/{other.Id}/recover", new { reason = "off", expiresIn = 3600 });
        _server.Time.Ahead += TimeSpan.FromHours(2);
        await other.HeldAsync();
        Assert.Equal("expired", await other.StateAsync());
    }

    [Fact]
    public async Task What_is_late_ends_although_the_unit_never_asks()
    {
        await RecoverAsync(new { reason = "off", expiresIn = 60 });
        _server.Time.Ahead = TimeSpan.FromMinutes(2);

        for (var patience = DateTime.UtcNow.AddSeconds(40); await _device.StateAsync() != "expired";)
        {
            Assert.True(DateTime.UtcNow < patience, "It never expired.");
            await Task.Delay(200);
        }
    }

    [Fact]
    public async Task Two_people_asking_for_the_same_unit_get_one_recovery()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            _server.Admin.PostAsJsonAsync($"api/v1/devices/{_device.Id}/recover", new { reason = "both of us" })));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        var ids = new HashSet<long>();
        foreach (var answer in answers)
            ids.Add((await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt64());
        Assert.Single(ids);
    }

    [Fact]
    public async Task A_recovery_goes_before_a_rollout_and_before_an_installation_that_hangs()
    {
        await _server.UploadedAsync(Application("1.1.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });
        var install = await TakeAsync();
        await ReportAsync(install, "downloaded");

        await RecoverAsync();
        await _server.UploadedAsync(Application("1.2.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.2.0", all = true });

        // The image it was about to try has its trial first; nothing is put on top of that.
        (_device.Running, _device.Release, _device.Slot) = ("1.1.0", install.GetProperty("release").GetString(), "trial");
        await _device.HeldAsync();
        _device.Slot = "confirmed";
        Assert.Equal("recover", (await TakeAsync()).GetProperty("action").GetString());
        _device.Cleared = _device.LastOrder;
        var next = await _device.OfferedAsync();
        Assert.Equal("install", next.GetProperty("action").GetString());
    }

    [Fact]
    public async Task A_recovery_can_be_taken_back_until_the_unit_has_it()
    {
        var first = await RecoverAsync();
        await _server.PostAsync($"api/v1/deployments/{first.GetProperty("id").GetInt64()}/cancel", new { });
        await _device.HeldAsync();
        Assert.Equal("cancelled", await _device.StateAsync());

        var second = await RecoverAsync();
        await ReportAsync(await TakeAsync(), "accepted");
        using var late = await _server.Admin.PostAsync($"api/v1/deployments/{second.GetProperty("id").GetInt64()}/cancel", null);
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
    }

    [Fact]
    public async Task A_server_restored_from_an_old_backup_does_not_repeat_a_recovery_nor_lower_a_number()
    {
        await RecoverAsync();
        await _server.BackUpAsync();
        var order = await TakeAsync();
        _device.Cleared = _device.LastOrder;
        await _device.HeldAsync();
        Assert.Equal("completed", await _device.StateAsync());
        await _server.RestoreAsync();
        Assert.Equal("armed", await _device.StateAsync());

        // The next owner's network is on it by now.
        await _device.HeldAsync();

        var story = await _device.ShownAsync();
        Assert.Equal("failed", story.GetProperty("state").GetString());
        Assert.Contains("does not remember", story.GetProperty("deployments")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);

        // What a person orders now is obeyed, under a number of its own.
        await RecoverAsync();
        Assert.True((await TakeAsync()).GetProperty("number").GetInt64() > order.GetProperty("number").GetInt64());
    }

    [Fact]
    public async Task Without_a_recovery_build_that_the_unit_would_take_nothing_is_armed()
    {
        await RefusedAsync("no-recovery-build", new { reason = "x", release = "8.0.0" });
        _device.SecurityCounter = 5;
        await _device.HeldAsync();
        await RefusedAsync("security-counter", new { reason = "x" });
        Assert.Equal("confirmed", await _device.StateAsync());
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"reason":"  "}""")]
    [InlineData("""{"reason":"x","expiresIn":59}""")]
    [InlineData("""{"reason":"x","expiresIn":99999999999}""")]
    [InlineData("""{"reason":7}""")]
    [InlineData("""[]""")]
    public async Task A_request_that_says_too_little_or_nonsense_arms_nothing(string body)
    {
        using var answer = await _server.Admin.PostAsync(
            $"api/v1/devices/{_device.Id}/recover", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("confirmed", await _device.StateAsync());
    }

    [Fact]
    public async Task An_eleventh_within_the_hour_takes_an_admin_who_really_means_it()
    {
        using var support = await _server.AsAsync("support");
        for (var i = 0; i < 10; i++)
        {
            var armed = await RecoverAsync();
            await _server.PostAsync($"api/v1/deployments/{armed.GetProperty("id").GetInt64()}/cancel", new { });
        }

        foreach (var body in new object[] { new { reason = "x" }, new { reason = "x", yesReally = true } })
        {
            using var answer = await support.PostAsJsonAsync($"api/v1/devices/{_device.Id}/recover", body);
            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        }

        using var careless = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{_device.Id}/recover", new { reason = "x" });
        Assert.Equal(HttpStatusCode.TooManyRequests, careless.StatusCode);
        await RecoverAsync(new { reason = "x", yesReally = true });
    }

    [Fact]
    public async Task A_recovery_meant_for_the_owner_before_never_reaches_the_next_one()
    {
        await RecoverAsync();
        await _server.PostAsync($"api/v1/devices/{_device.Id}/hand-over", new { });
        var next = await ADevice.EnrollAsync(_server, _enrollmentKey);

        await next.HeldAsync();

        Assert.Equal(_device.Id, next.Id);
        Assert.Equal("cancelled", await next.StateAsync());
        await _server.RestartAsync();
        Assert.Equal("cancelled", (await _server.GetAsync($"api/v1/devices/{_device.Id}")).GetProperty("state").GetString());
    }

    private async Task RefusedAsync(string type, object body)
    {
        using var answer = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{_device.Id}/recover", body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Equal("urn:ota:problem:" + type, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString());
    }

    private Task<JsonElement> RecoverAsync(object? body = null) =>
        _server.PostAsync($"api/v1/devices/{_device.Id}/recover", body ?? new { reason = "the router is new" });

    // Checks in, and accepts what it is offered.
    private async Task<JsonElement> TakeAsync()
    {
        var order = await _device.OfferedAsync();
        _device.LastOrder = order.GetProperty("number").GetInt64();
        return order;
    }

    private async Task<HttpResponseMessage> ReportAsync(JsonElement order, string state)
    {
        var answer = await _device.ReportAsync(new
        {
            seq = order.GetProperty("number").GetInt64() * 16 + state.Length,
            at = 0,
            deployment = order.GetProperty("deployment").GetString(),
            state,
        });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        return answer;
    }

    private static ABuild Application(string version) => ABuild.Of(version, "firmware " + version);

    private static ABuild Rescue(string version)
    {
        var build = ABuild.Of(version, "recovery");
        return build with { Statement = build.Statement with { Kind = "recovery" } };
    }
}
