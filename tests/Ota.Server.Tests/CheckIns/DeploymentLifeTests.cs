using System.Net;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.CheckIns;

public class DeploymentLifeTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_device_with_nothing_to_do_holds_and_is_told_when_to_ask_again()
    {
        await _device.HeldAsync();
        Assert.Equal("enrolled", await _device.StateAsync());
    }

    [Fact]
    public async Task Only_a_check_in_from_the_new_image_after_its_trial_confirms()
    {
        await OrderAsync("1.0.0");
        var order = await _device.OfferedAsync();
        Assert.Equal("install", order.GetProperty("action").GetString());
        _device.LastOrder = order.GetProperty("number").GetInt64();
        var deployment = order.GetProperty("deployment").GetString();

        foreach (var state in new[] { "accepted", "downloading", "downloaded", "trial", "confirmed" })
        {
            using var answer = await _device.ReportAsync(new { seq = state.Length, at = 0, deployment, state });
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.NotEqual("confirmed", await _device.StateAsync());
        }

        (_device.Running, _device.Release, _device.Slot) = ("1.0.0", order.GetProperty("release").GetString(), "trial");
        await _device.HeldAsync();
        Assert.Equal("trial", await _device.StateAsync());

        _device.Slot = "confirmed";
        await _device.HeldAsync();
        Assert.Equal("confirmed", await _device.StateAsync());
    }

    [Theory]
    [InlineData("reverted", "confirm-deadline", ": confirm-deadline")]
    [InlineData("refused", "statement-signature", ": statement-signature")]
    [InlineData("failed", "flash\nconfirmed \u001b[2J", ": flash?confirmed ?[2J")]
    [InlineData("confirmed", "", "")]
    public async Task How_a_deployment_ended_is_one_line_in_the_log(string state, string detail, string reason)
    {
        await OrderAsync("1.0.0");
        if (state == "confirmed")
        {
            await _device.InstallAsync("1.0.0");
        }
        else
        {
            var deployment = (await _device.OfferedAsync()).GetProperty("deployment").GetString();
            await _device.ReportAsync(new { seq = 1, at = 0, deployment, state, detail });
        }

        var id = (await _device.ShownAsync()).GetProperty("deployments")[0].GetProperty("id").GetInt64();
        Assert.Single(_server.Log.Text.Split('\n'), line => line.Trim() == $"{_device.Id}: deployment {id} is {state}{reason}.");
    }

    [Fact]
    public async Task An_order_is_repeated_until_it_was_accepted_and_numbered_anew_after()
    {
        await OrderAsync("1.0.0");
        var first = await _device.OfferedAsync();
        Assert.Equal(first.GetRawText(), (await _device.OfferedAsync()).GetRawText());

        _device.LastOrder = first.GetProperty("number").GetInt64();
        Assert.True((await _device.OfferedAsync()).GetProperty("number").GetInt64() > _device.LastOrder);
    }

    [Fact]
    public async Task An_order_number_never_goes_back_even_when_the_server_was_restored_from_an_old_backup()
    {
        await OrderAsync("1.0.0");
        _device.LastOrder = 41;

        Assert.Equal(42, (await _device.OfferedAsync()).GetProperty("number").GetInt64());
        await _server.RestartAsync();
        Assert.Equal(42, (await _device.OfferedAsync()).GetProperty("number").GetInt64());
        _device.LastOrder = 42;
        Assert.Equal(43, (await _device.OfferedAsync()).GetProperty("number").GetInt64());
    }

    [Fact]
    public async Task A_device_that_was_on_trial_and_asks_from_the_old_image_has_reverted()
    {
        await OrderAsync("1.0.0");
        var order = await _device.OfferedAsync();
        _device.LastOrder = order.GetProperty("number").GetInt64();
        await _device.ReportAsync(new { seq = 1, at = 0, deployment = order.GetProperty("deployment").GetString(), state = "trial" });

        await _device.HeldAsync();

        Assert.Equal("reverted", await _device.StateAsync());
    }

    [Fact]
    public async Task A_refusal_ends_the_deployment_and_names_the_check_that_failed()
    {
        await OrderAsync("1.0.0");
        var order = await _device.OfferedAsync();
        await _device.ReportAsync(new { seq = 1, at = 0, deployment = order.GetProperty("deployment").GetString(), state = "refused", detail = "chunk" });

        await _device.HeldAsync();
        var deployment = (await _device.ShownAsync()).GetProperty("deployments")[0];
        Assert.Equal("refused chunk", deployment.GetProperty("state").GetString() + " " + deployment.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task A_rollout_reaches_devices_that_enroll_later_and_the_last_instruction_wins()
    {
        await OrderAsync("1.0.0");
        var later = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        await later.InstallAsync("1.0.0");
        Assert.Equal("confirmed", await later.StateAsync());

        await _server.UploadedAsync(ABuild.Of("1.1.0", "second"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", device = later.Id });
        await later.InstallAsync("1.1.0");
        await later.HeldAsync();
        Assert.Equal("1.1.0", (await later.ShownAsync()).GetProperty("running").GetString());
    }

    [Fact]
    public async Task A_group_rollout_is_for_its_group_and_for_whoever_joins_it()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", group = "kitchens" });
        await _device.HeldAsync();

        using var moved = await _server.Admin.PutAsync(
            $"api/v1/devices/{_device.Id}/group", System.Net.Http.Json.JsonContent.Create(new { group = "kitchens" }));
        Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
        await _device.OfferedAsync();
    }

    [Theory]
    [InlineData("withdrawn")]
    [InlineData("cancelled")]
    public async Task What_is_stopped_is_offered_no_more_even_once_downloaded(string stopped)
    {
        var rollout = await OrderAsync("1.0.0");
        var order = await _device.OfferedAsync();
        _device.LastOrder = order.GetProperty("number").GetInt64();
        await _device.ReportAsync(new { seq = 1, at = 0, deployment = order.GetProperty("deployment").GetString(), state = "downloaded" });
        var image = (await _server.GetAsync("api/v1/products/kettle/releases/1.0.0")).GetProperty("image").GetProperty("url").GetString()!;
        Assert.Equal(HttpStatusCode.OK, (await _device.GetAsync(image)).StatusCode);

        await _server.PostAsync(
            stopped == "withdrawn" ? "api/v1/products/kettle/releases/1.0.0/withdraw" : $"api/v1/rollouts/{rollout}/abort", new { });

        await _device.HeldAsync();
        Assert.Equal(stopped, await _device.StateAsync());
        Assert.Equal(stopped == "withdrawn" ? HttpStatusCode.NotFound : HttpStatusCode.OK, (await _device.GetAsync(image)).StatusCode);
    }

    [Fact]
    public async Task A_release_below_the_devices_counter_is_not_even_ordered()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        _device.SecurityCounter = 3;
        await _device.HeldAsync();

        using var answer = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(
            _server.Admin, "api/v1/deployments", new { product = "kettle", version = "1.0.0", device = _device.Id });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains("security counter 0", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_enrolls_once_until_staff_hand_it_over_and_then_its_old_token_is_void()
    {
        Assert.Equal(HttpStatusCode.OK, (await ADevice.AskAsync(_server, _enrollmentKey)).StatusCode);
        await _device.HeldAsync();
        Assert.Equal(HttpStatusCode.Conflict, (await ADevice.AskAsync(_server, _enrollmentKey)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await ADevice.AskAsync(_server, "wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await ADevice.AskAsync(_server, _enrollmentKey, product: "nothing")).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await ADevice.AskAsync(_server, _enrollmentKey, "x", hardware: "esp8266")).StatusCode);

        await _server.PostAsync($"api/v1/devices/{_device.Id}/hand-over", new { reason = "sold" });
        var again = await ADevice.EnrollAsync(_server, _enrollmentKey);
        Assert.Equal(_device.Id, again.Id);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _device.CheckInAsync()).StatusCode);
        await again.HeldAsync();
    }

    [Fact]
    public async Task Reports_count_once_and_survive_a_restart()
    {
        await OrderAsync("1.0.0");
        var deployment = (await _device.OfferedAsync()).GetProperty("deployment").GetString();
        for (var i = 0; i < 3; i++)
            await _device.ReportAsync(new { seq = 17, at = 5, deployment, state = "accepted" });

        await _server.RestartAsync();
        var timeline = (await _device.ShownAsync()).GetProperty("timeline").EnumerateArray();
        Assert.Single(timeline, entry => entry.GetProperty("kind").GetString() == "accepted");
        Assert.Equal("accepted", await _device.StateAsync());
    }

    private async Task<long> OrderAsync(string version)
    {
        await _server.UploadedAsync(ABuild.Of(version));
        return (await _server.PostAsync("api/v1/deployments", new { product = "kettle", version, all = true })).GetProperty("rollout").GetInt64();
    }
}
