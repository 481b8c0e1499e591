using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Alerts;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>The recovery of a client that knows no orders, through the stock updater of the ESP8266.</summary>
public class TwoStepTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private string _id = "";
    private AnEspSketch _sketch = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await _server.UploadedAsync(Rescue("9.0.0"));
        (_id, _sketch) = await AnEspSketch.AdoptAsync(_server);
        await _sketch.HeldAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_is_handed_the_recovery_once_and_then_what_it_ran_although_the_server_starts_anew_between_all_steps()
    {
        Assert.Equal("armed", (await RecoverAsync()).GetProperty("state").GetString());
        await _server.RestartAsync();

        Assert.Equal("clears the Wi-Fi 9.0.0", Text(await _sketch.FetchAsync()));
        Assert.Equal("clearing", await _sketch.StateAsync());
        await _server.RestartAsync();

        _sketch.Version = "9.0.0";
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        Assert.Equal("awaiting-return", await _sketch.StateAsync());
        await _server.RestartAsync();

        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        _sketch.Version = "1.0.0";
        await _sketch.HeldAsync();
        Assert.Equal("completed", await _sketch.StateAsync());
        await _sketch.HeldAsync();

        var story = await _sketch.TimelineAsync();
        Assert.Contains("Handed the recovery 9.0.0", story);
        Assert.Contains("Fetched the recovery 9.0.0", story);
        Assert.Contains("Handed 1.0.0 again, to return to it", story);
        Assert.Contains("The recovery is completed", story);
    }

    [Fact]
    public async Task A_client_that_says_nothing_is_taken_to_have_run_what_it_fetched()
    {
        await RecoverAsync();
        (_sketch.Version, _sketch.SketchMd5) = (null, "");

        Assert.Equal("clears the Wi-Fi 9.0.0", Text(await _sketch.FetchAsync()));
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        await _sketch.HeldAsync();

        Assert.Equal("completed", await _sketch.StateAsync());
        Assert.Equal("assumed", (await _sketch.ShownAsync()).GetProperty("deployments")[0].GetProperty("detail").GetString());
    }

    [Fact]
    public async Task A_hash_that_nobody_knows_tells_whether_the_unit_still_runs_the_recovery()
    {
        _sketch.Version = null;
        await RecoverAsync();
        await _sketch.FetchAsync();

        _sketch.SketchMd5 = new string('3', 32);
        for (var asks = 0; asks < 3; asks++)
        {
            Assert.Equal("1.0.0", (await _sketch.AskAsync("version")).Header("x-version"));
            Assert.Equal("clearing", await _sketch.StateAsync());
        }

        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        _sketch.SketchMd5 = new string('4', 32);
        await _sketch.HeldAsync();
        Assert.Equal("completed", await _sketch.StateAsync());
        Assert.Equal("1.0.0", (await _sketch.ShownAsync()).GetProperty("running").GetString());
    }

    [Fact]
    public async Task What_was_not_run_is_not_handed_out_a_second_time()
    {
        await RecoverAsync();
        await _sketch.FetchAsync();

        await _sketch.HeldAsync();
        await _sketch.HeldAsync();

        Assert.Equal("failed", await _sketch.StateAsync());
        Assert.Equal("not-run", (await _sketch.ShownAsync()).GetProperty("deployments")[0].GetProperty("detail").GetString());
    }

    [Fact]
    public async Task A_unit_that_runs_the_recovery_after_it_was_given_up_is_handed_what_it_ran_before()
    {
        await RecoverAsync();
        await _sketch.FetchAsync();
        await _sketch.HeldAsync();
        Assert.Equal("failed", await _sketch.StateAsync());
        await _server.RestartAsync();

        _sketch.Version = "9.0.0";
        Assert.Equal("1.0.0", (await _sketch.AskAsync("version")).Header("x-version"));
        Assert.Equal("failed", await _sketch.StateAsync());
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        Assert.Equal("awaiting-return", await _sketch.StateAsync());
        await _server.RestartAsync();
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        _sketch.Version = "1.0.0";
        await _sketch.HeldAsync();

        Assert.Equal("completed", await _sketch.StateAsync());
        await _sketch.HeldAsync();
        Assert.Single((await _sketch.ShownAsync()).GetProperty("deployments").EnumerateArray());
    }

    [Fact]
    public async Task A_unit_that_is_on_a_recovery_build_and_cannot_be_brought_back_raises_an_alert_until_it_is_given_something()
    {
        _sketch.Version = "9.0.0";
        await _sketch.HeldAsync();
        var watch = _server.App.Services.GetRequiredService<AlertWatch>();
        watch.Sweep();
        await watch.FlushAsync();
        var alert = Assert.Single((await _server.GetAsync("api/v1/alerts?kind=stranded&open=true")).EnumerateArray());
        Assert.Contains("runs the recovery build 9.0.0", alert.GetProperty("detail").GetString(), StringComparison.Ordinal);

        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = _id });
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
        _sketch.Version = "1.0.0";
        await _sketch.HeldAsync();
        watch.Sweep();
        await watch.FlushAsync();
        Assert.Empty((await _server.GetAsync("api/v1/alerts?kind=stranded&open=true")).EnumerateArray());
    }

    [Theory]
    [InlineData("accepted", "offered")]
    [InlineData("downloaded", "offered")]
    [InlineData("trial", "offered")]
    [InlineData("confirmed", "offered")]
    [InlineData("reverted", "offered")]
    [InlineData("refused", "offered")]
    [InlineData("failed", "failed")]
    public async Task A_report_can_only_end_it(string reported, string then)
    {
        var armed = await RecoverAsync();
        await AskOnlyAsync();
        var device = _server.App.Services.GetRequiredService<Fleet>().Find(_id)!;

        await _server.App.Services.GetRequiredService<ReportLog>().AddAsync(
            new Caller(device, device.Generation), armed.GetProperty("id").GetInt64(), reported, detail: null, TestContext.Current.CancellationToken);

        Assert.Equal(then, await _sketch.StateAsync());
    }

    [Fact]
    public async Task Of_many_fetches_at_once_one_gets_the_last_byte()
    {
        await RecoverAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            using var socket = await RawHttp.ConnectAsync(_server);
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(_sketch.Request()));
            return await RawHttp.ReadAsync(socket);
        }));

        Assert.Single(answers, answer => Text(answer).Contains("clears the Wi-Fi", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_is_cancelled_until_it_was_handed_out_and_expires_until_it_was_fetched()
    {
        var armed = await RecoverAsync();
        using (var cancelled = await CancelAsync(armed))
            Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        await _sketch.HeldAsync();
        Assert.Equal("cancelled", await _sketch.StateAsync());

        var again = await RecoverAsync();
        Assert.Equal("9.0.0", (await _sketch.AskAsync("version")).Header("x-version"));
        Assert.Equal("armed", await _sketch.StateAsync());
        await AskOnlyAsync();
        Assert.Equal("offered", await _sketch.StateAsync());
        using (var late = await CancelAsync(again))
            Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        _server.Time.Ahead = TimeSpan.FromDays(15);
        await _sketch.HeldAsync();
        Assert.Equal("expired", await _sketch.StateAsync());
    }

    [Fact]
    public async Task A_download_of_a_recovery_that_is_over_by_now_does_not_end()
    {
        var large = ABuild.Of("9.1.0", new string('r', 16_000_000));
        await _server.UploadedAsync(large with { Statement = large.Statement with { Kind = "recovery" } });
        _sketch.FreeSpace = 20_000_000;
        await RecoverAsync();
        // More than fits into the buffers between the two.
        using var socket = await RawHttp.ConnectAsync(_server);
        await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(_sketch.Request()));
        Assert.True(await socket.ReceiveAsync(new byte[1000]) > 0);

        _server.Time.Ahead = TimeSpan.FromDays(15);
        await _sketch.HeldAsync();
        Assert.Equal("expired", await _sketch.StateAsync());
        await RecoverAsync();

        Assert.InRange((await RawHttp.ReadAsync(socket)).Length, 1, 15_999_000);
        Assert.Equal("armed", await _sketch.StateAsync());
    }

    [Fact]
    public async Task It_is_not_armed_where_nobody_knows_what_to_return_to()
    {
        _sketch.Version = "0.9.0";
        await _sketch.HeldAsync();
        using var answer = await AskForAsync();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains("Nobody knows which release", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recovery_build_that_is_withdrawn_still_lets_a_unit_return_that_has_it()
    {
        await RecoverAsync();
        await _sketch.FetchAsync();
        await _server.PostAsync("api/v1/products/kettle/releases/9.0.0/withdraw", new { reason = "bad" });

        _sketch.Version = "9.0.0";
        Assert.Equal("firmware one", Text(await _sketch.FetchAsync()));
    }

    // It is handed out, and one byte of it goes out.
    private async Task AskOnlyAsync()
    {
        _sketch.More = "Range: bytes=0-0\r\n";
        Assert.Equal(206, (await _sketch.AskAsync()).Status);
        _sketch.More = "";
    }

    private static ABuild Rescue(string version)
    {
        var build = ABuild.Of(version, "clears the Wi-Fi " + version);
        return build with { Statement = build.Statement with { Kind = "recovery" } };
    }

    private static string Text(byte[] bytes) => System.Text.Encoding.ASCII.GetString(bytes);

    private Task<HttpResponseMessage> CancelAsync(JsonElement deployment) =>
        _server.Admin.PostAsJsonAsync($"api/v1/deployments/{deployment.GetProperty("id").GetInt64()}/cancel", new { });

    private Task<JsonElement> RecoverAsync() => _server.PostAsync($"api/v1/devices/{_id}/recover", new { reason = "the router is new" });

    private Task<HttpResponseMessage> AskForAsync() =>
        _server.Admin.PostAsJsonAsync($"api/v1/devices/{_id}/recover", new { reason = "the router is new" });
}
