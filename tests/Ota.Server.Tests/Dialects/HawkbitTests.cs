using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>The conversations of SWUpdate and rauc-hawkbit-updater with the real server, over raw sockets.</summary>
public class HawkbitTests : IAsyncLifetime
{
    private static readonly string Swu = "070702" + new string('s', 300_000);
    private RunningServer _server = null!;
    private AHawkbitClient _client = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "070702 the first"));
        await _server.UploadedAsync(ABuild.Of("1.1.0", Swu));
        _client = await AHawkbitClient.AdoptAsync(_server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task SWUpdate_is_updated_and_confirmed_by_the_version_that_it_tells_after_its_restart()
    {
        Assert.Equal(["configData"], (await _client.PollAsync()).Keys);
        await _client.TellAsync("1.0.0");
        Assert.Empty(await _client.PollAsync());
        await DeployAsync("1.1.0");

        var action = await _client.ActionAsync();
        Assert.Equal(("1.1.0", "kettle-1.1.0.swu"), (action.Version, action.File));
        Assert.Equal(200, (await _client.FeedbackAsync(action.Id, "proceeding", "none", "Installing Update Chunk Artifacts.")).Status);
        Assert.Equal("downloading", await _client.StateAsync());
        var image = await _client.FetchAsync(action);
#pragma warning disable CA5350 // It is what the client compares.
        Assert.Equal(Convert.ToHexStringLower(SHA1.HashData(image)), action.Sha1);
#pragma warning restore CA5350
        Assert.Equal("downloaded", await _client.StateAsync());
        Assert.Equal(200, (await _client.FeedbackAsync(action.Id, "proceeding", "none", "All Chunks Installed.")).Status);
        Assert.Equal(action, await _client.ActionAsync());
        Assert.Equal("downloaded", await _client.StateAsync());

        Assert.Equal(200, (await _client.FeedbackAsync(action.Id, "closed", "success", "Update Installed.")).Status);
        Assert.Equal("trial", await _client.StateAsync());
        Assert.Equal(["configData"], (await _client.PollAsync()).Keys);
        await _client.TellAsync("1.1.0");

        Assert.Equal("confirmed", await _client.StateAsync());
        var shown = await _client.ShownAsync();
        Assert.Equal(("1.1.0", -67), (shown.GetProperty("running").GetString(), shown.GetProperty("rssi").GetInt32()));
        var installed = (await _client.PollAsync())["installedBase"];
        Assert.Equal(action with { Id = action.Id }, await _client.ActionAtAsync(installed));
        Assert.Equal(410, (await _client.FeedbackAsync(action.Id, "closed", "success")).Status);
    }

    [Fact]
    public async Task It_was_offered_what_a_poll_has_shown_it_and_nothing_by_what_it_tells()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        await _client.TellAsync("1.0.0");
        Assert.Equal("ordered", await _client.StateAsync());
        Assert.DoesNotContain("offered", await KindsAsync());

        var first = await _client.ActionAsync();
        Assert.Equal("offered", await _client.StateAsync());
        using var cancelled = await _server.Admin.PostAsJsonAsync($"api/v1/deployments/{int.Parse(first.Id) / 2}/cancel", new { });
        Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        await DeployAsync("1.1.0");
        Assert.Contains("cancelAction", await _client.PollAsync());
        Assert.Equal("ordered", await _client.StateAsync());
        await _client.FeedbackAsync(first.Id, "closed", "success", "cancellation acknowledged.", "cancelAction");

        var second = await _client.ActionAsync();
        await _client.FetchAsync(second);
        await _client.FeedbackAsync(second.Id, "closed", "success");
        await _client.TellAsync("1.1.0");
        Assert.Equal("confirmed", await _client.StateAsync());
        Assert.Equal(2, (await KindsAsync()).Count(kind => kind == "offered"));
    }

    [Fact]
    public async Task It_is_expected_when_it_was_told_to_poll()
    {
        async Task AgreeAsync()
        {
            var polling = AHawkbitClient.Parse(await _client.GetAsync(_client.Path)).GetProperty("config").GetProperty("polling").GetProperty("sleep").GetString()!;
            await _client.TellAsync("1.0.0");
            var shown = await _client.ShownAsync();
            Assert.Equal(
                TimeSpan.Parse(polling, null).TotalSeconds,
                (shown.GetProperty("nextCheckIn").GetDateTimeOffset() - shown.GetProperty("lastSeen").GetDateTimeOffset()).TotalSeconds, tolerance: 1);
        }

        await AgreeAsync();
        await DeployAsync("1.1.0");
        await AgreeAsync();
        await _client.FetchAsync(await _client.ActionAsync());
        await AgreeAsync();
        await _server.RestartAsync();
        await AgreeAsync();
    }

    [Fact]
    public async Task A_version_in_a_header_confirms_at_the_next_poll()
    {
        _client.More = "x-ota-version: 1.0.0\r\n";
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        await _client.FetchAsync(action);

        _client.More = "x-ota-version: 1.1.0\r\n";
        Assert.DoesNotContain("deploymentBase", await _client.PollAsync());

        Assert.Equal("confirmed", await _client.StateAsync());
    }

    [Fact]
    public async Task A_client_that_tells_no_version_is_assumed_to_run_what_it_closed_and_never_confirmed()
    {
        await _client.TellAsync(version: null);
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        await _client.FetchAsync(action);
        await _client.PollAsync();
        Assert.Equal("downloaded", await _client.StateAsync());

        Assert.Equal(200, (await _client.FeedbackAsync(action.Id, "closed", "none")).Status);

        Assert.Equal("assumed", await _client.StateAsync());
        Assert.DoesNotContain("deploymentBase", await _client.PollAsync());
    }

    [Fact]
    public async Task A_client_that_is_done_and_has_yet_to_restart_is_left_alone_and_after_a_day_has_reverted()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        await _client.FetchAsync(action);
        await _client.FeedbackAsync(action.Id, "closed", "success");

        await _client.TellAsync("1.0.0");
        Assert.Equal(["configData"], (await _client.PollAsync()).Keys);
        Assert.Equal("trial", await _client.StateAsync());

        _server.Time.Ahead = TimeSpan.FromHours(25);
        await _client.TellAsync("1.0.0");
        Assert.Equal("reverted", await _client.StateAsync());
        Assert.StartsWith(
            "The server says reverted: it said that it is done",
            (await _client.ShownAsync()).GetProperty("timeline").EnumerateArray().Last().GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_that_a_client_reports_ends_the_deployment_with_its_reason()
    {
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();

        var answer = await _client.FeedbackAsync(action.Id, "closed", "failure", "ERROR : Image invalid or corrupted");

        Assert.Equal((200, "failed"), (answer.Status, await _client.StateAsync()));
        Assert.Contains("Image invalid", (await DeploymentAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("deploymentBase", await _client.PollAsync());
        Assert.Equal(410, (await _client.GetAsync(_client.Path + "/deploymentBase/" + action.Id)).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(170)]
    public async Task What_RAUC_refused_it_for_is_the_deployments_detail_though_it_says_so_before_the_end(int more)
    {
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        await _client.FetchAsync(action);
        foreach (var message in new[] { "  0% Installing", "LastError: signature failed" + new string('e', more), "100% Installing failed.", "idle" })
            Assert.Equal(200, (await _client.FeedbackAsync(action.Id, "proceeding", "none", message)).Status);

        await _client.FeedbackAsync(action.Id, "closed", "failure", "Failed to install software bundle.");

        Assert.Equal("failed", await _client.StateAsync());
        var detail = (await DeploymentAsync()).GetProperty("detail").GetString()!;
        Assert.StartsWith("signature failed", detail, StringComparison.Ordinal);
        Assert.EndsWith("Failed to install software bundle.", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_fetches_all_of_it_again_and_again_has_reverted()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        for (var tries = 0; tries < 3; tries++)
            await _client.FetchAsync(await _client.ActionAsync());
        var action = await _client.ActionAsync();

        Assert.Equal(404, (await _client.GetAsync(action.Download)).Status);

        Assert.Equal("reverted", await _client.StateAsync());
    }

    [Fact]
    public async Task Streaming_reads_of_parts_are_one_download_and_end_with_416()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        const int part = 128 * 1024;
        for (var round = 0; round < 5; round++)
        {
            var all = new MemoryStream();
            for (var at = 0; at < action.Size; at += part)
            {
                var answer = await _client.GetAsync(action.Download, $"Range: bytes={at}-{at + part - 1}\r\n");
                Assert.Equal(206, answer.Status);
                all.Write(answer.Body);
            }

            Assert.Equal(Swu, Encoding.ASCII.GetString(all.ToArray()));
            var beyond = await _client.GetAsync(action.Download, $"Range: bytes={action.Size}-\r\n");
            Assert.Equal((416, $"bytes */{action.Size}"), (beyond.Status, beyond.Header("Content-Range")));
        }

        Assert.Equal("downloaded", await _client.StateAsync());
        var resumed = await _client.GetAsync(action.Download, "Range: bytes=299990-\r\n");
        Assert.Equal((206, 16), (resumed.Status, resumed.Body.Length));
        var other = await _client.GetAsync(action.Download, "Range: bytes=5-\r\nIf-Range: \"another\"\r\n");
        Assert.Equal(200, other.Status);
    }

    [Fact]
    public async Task The_MD5_is_there_as_md5sum_writes_it()
    {
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();

        var answer = await _client.GetAsync(action.Download + ".MD5SUM");

#pragma warning disable CA5351 // It is what the client compares.
        Assert.Equal($"{Convert.ToHexStringLower(MD5.HashData(Encoding.ASCII.GetBytes(Swu)))}  {action.File}\n", Encoding.ASCII.GetString(answer.Body));
#pragma warning restore CA5351
        Assert.Equal("offered", await _client.StateAsync());
    }

    [Fact]
    public async Task A_later_rollout_that_takes_the_place_of_what_was_shown_is_not_offered_by_the_poll_that_says_to_stop()
    {
        await _client.TellAsync("1.0.0");
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });
        var first = await _client.ActionAsync();
        await _server.UploadedAsync(ABuild.Of("1.2.0", "another"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.2.0", all = true });

        Assert.Equal(["cancelAction"], (await _client.PollAsync()).Keys);
        Assert.Equal("ordered", await _client.StateAsync());
        await _client.FeedbackAsync(first.Id, "closed", "success", "cancellation acknowledged.", "cancelAction");
        await _client.ActionAsync();
        Assert.Equal("offered", await _client.StateAsync());
    }

    [Fact]
    public async Task A_later_rollout_that_takes_the_place_of_what_was_never_shown_is_offered_at_once()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        var first = await _client.ActionAsync();
        await _client.FetchAsync(first);
        await _client.FeedbackAsync(first.Id, "closed", "success");
        await _client.TellAsync("1.1.0");
        Assert.Equal("confirmed", await _client.StateAsync());
        await _server.UploadedAsync(ABuild.Of("1.2.0", "another"));
        await _server.UploadedAsync(ABuild.Of("1.3.0", "a third"));
        await DeployAsync("1.2.0");
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.3.0", all = true });

        await _client.ActionAsync();
        Assert.Equal("offered", await _client.StateAsync());
    }

    [Fact]
    public async Task What_is_cancelled_after_it_was_shown_is_to_be_stopped_until_the_client_says_so()
    {
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        using var cancelled = await _server.Admin.PostAsJsonAsync($"api/v1/deployments/{int.Parse(action.Id) / 2}/cancel", new { });
        Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);

        var links = await _client.PollAsync();
        Assert.DoesNotContain("deploymentBase", links);
        var what = AHawkbitClient.Parse(await _client.GetAsync(links["cancelAction"]));
        Assert.Equal(action.Id, what.GetProperty("cancelAction").GetProperty("stopId").GetString());
        Assert.Equal(410, (await _client.FeedbackAsync("999999", "closed", "success", of: "cancelAction")).Status);
        Assert.Equal(200, (await _client.FeedbackAsync(action.Id, "closed", "success", "cancellation acknowledged.", "cancelAction")).Status);

        Assert.DoesNotContain("cancelAction", await _client.PollAsync());
        Assert.Equal(410, (await _client.GetAsync(links["cancelAction"])).Status);
        Assert.Equal("cancelled", await _client.StateAsync());
    }

    [Fact]
    public async Task A_recovery_goes_in_two_actions_and_ends_where_it_began()
    {
        await _server.UploadedAsync(Rescue());
        await _client.TellAsync("1.0.0");
        await _server.PostAsync($"api/v1/devices/{_client.Device}/recover", new { reason = "the router is new" });

        var first = await _client.ActionAsync();
        Assert.Equal("9.0.0", first.Version);
        await _client.FetchAsync(first);
        Assert.Equal(404, (await _client.GetAsync(first.Download)).Status);
        await _client.FeedbackAsync(first.Id, "closed", "success");
        // Not restarted yet: this must not end it.
        await _client.TellAsync("1.0.0");
        Assert.Equal(["configData"], (await _client.PollAsync()).Keys);

        await _client.TellAsync("9.0.0");
        var second = await _client.ActionAsync();
        Assert.Equal("1.0.0", second.Version);
        Assert.Equal(int.Parse(first.Id) + 1, int.Parse(second.Id));
        await _client.FetchAsync(second);
        await _client.FeedbackAsync(second.Id, "closed", "success");
        Assert.Equal(["configData"], (await _client.PollAsync()).Keys);
        await _client.TellAsync("1.0.0");

        Assert.Equal("completed", await _client.StateAsync());
    }

    [Fact]
    public async Task A_recovery_that_was_given_up_goes_on_when_its_build_tells_its_version()
    {
        await _server.UploadedAsync(Rescue());
        await _client.TellAsync("1.0.0");
        await _server.PostAsync($"api/v1/devices/{_client.Device}/recover", new { reason = "the router is new" });
        var first = await _client.ActionAsync();
        await _client.FetchAsync(first);
        await _client.FeedbackAsync(first.Id, "closed", "success");
        _server.Time.Ahead = TimeSpan.FromDays(8);
        await _client.TellAsync("1.0.0");
        Assert.Equal("failed", await _client.StateAsync());

        await _client.TellAsync("9.0.0");

        Assert.Equal("awaiting-return", await _client.StateAsync());
        Assert.Equal("1.0.0", (await _client.ActionAsync()).Version);
    }

    [Fact]
    public async Task A_recovery_of_a_client_that_tells_no_version_goes_by_what_it_closes()
    {
        await _server.UploadedAsync(Rescue());
        _client.More = "x-ota-version: 1.0.0\r\n";
        await _client.PollAsync();
        _client.More = "";
        await _server.PostAsync($"api/v1/devices/{_client.Device}/recover", new { reason = "the router is new" });

        var first = await _client.ActionAsync();
        await _client.FetchAsync(first);
        Assert.DoesNotContain("deploymentBase", await _client.PollAsync());
        await _client.FeedbackAsync(first.Id, "closed", "success");
        var second = await _client.ActionAsync();
        Assert.Equal("1.0.0", second.Version);
        await _client.FetchAsync(second);
        await _client.FeedbackAsync(second.Id, "closed", "success");

        Assert.DoesNotContain("deploymentBase", await _client.PollAsync());
        Assert.Equal("completed", await _client.StateAsync());
    }

    [Fact]
    public async Task What_it_was_shown_and_closed_outlives_the_server()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        var action = await _client.ActionAsync();
        await _client.FetchAsync(action);
        await _client.FeedbackAsync(action.Id, "closed", "success");

        await _server.RestartAsync();
        _client = await AHawkbitClient.AdoptAsync(_server);

        Assert.Equal(["configData"], (await _client.PollAsync()).Keys);
        Assert.Equal("trial", await _client.StateAsync());
        await _client.TellAsync("1.1.0");
        Assert.Equal("confirmed", await _client.StateAsync());
    }

    [Fact]
    public async Task A_rollout_reaches_it_like_any_device()
    {
        await _client.TellAsync("1.0.0");
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true });

        var action = await _client.ActionAsync();
        await _client.FetchAsync(action);
        await _client.FeedbackAsync(action.Id, "closed", "success");
        await _client.TellAsync("1.1.0");

        Assert.Equal("confirmed", await _client.StateAsync());
    }

    [Fact]
    public async Task A_poll_is_not_sent_again_to_who_has_it()
    {
        await _client.TellAsync("1.0.0");
        await DeployAsync("1.1.0");
        var first = await _client.GetAsync((await _client.PollAsync())["deploymentBase"]);

        var again = await _client.GetAsync((await _client.PollAsync())["deploymentBase"], $"If-None-Match: {first.Header("ETag")}\r\n");

        Assert.Equal((304, 0), (again.Status, again.Body.Length));
    }

    private static ABuild Rescue()
    {
        var build = ABuild.Of("9.0.0", "070702 clears the Wi-Fi");
        return build with { Statement = build.Statement with { Kind = "recovery" } };
    }

    private Task<JsonElement> DeployAsync(string version) =>
        _server.PostAsync("api/v1/deployments", new { product = "kettle", version, device = _client.Device });

    private async Task<string?[]> KindsAsync() =>
        [.. (await _client.ShownAsync()).GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("kind").GetString())];

    private async Task<JsonElement> DeploymentAsync() => (await _client.ShownAsync()).GetProperty("deployments")[0];
}
