using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Tests.Dialects;
using Ota.Server.Tests.Running;
using Ota.Server.Webhooks;

namespace Ota.Server.Tests.Webhooks;

/// <summary>From a device's check-in to somebody's real server on loopback.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private const string Path = "api/v1/products/kettle/webhooks";
    private RunningServer _server = null!;
    private AReceiver _receiver = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _receiver = await AReceiver.StartAsync();
        _enrollmentKey = await _server.AddProductAsync(poll: "every 15m");
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task A_confirmed_deployment_is_told_once_signed_and_with_what_a_receiver_needs()
    {
        var webhook = await AddAsync(_receiver, "deployment.confirmed", "deployment.reverted");
        var deployment = await ConfirmAsync();

        var told = await _receiver.NextAsync();

        told.SignedWith(webhook.GetProperty("secret").GetString()!);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.InRange(long.Parse(told.Timestamp, null), now - 60, now + 1);
        Assert.StartsWith("evt_", told.Id, StringComparison.Ordinal);
        Assert.Equal("deployment.confirmed", told.Type);
        var shown = (await _device.ShownAsync()).GetProperty("deployments")[0];
        var ended = shown.GetProperty("ended").GetDateTimeOffset().ToUnixTimeSeconds();
        Assert.Equal(ended, told.Json.GetProperty("at").GetInt64());
        Assert.Equal(ended, told.Data.GetProperty("confirmedAt").GetInt64());
        Assert.Equal(deployment, told.Data.GetProperty("deployment").GetInt64());
        Assert.Equal(
            (_device.Id, "02:00:00:00:00:01", "kettle", "1.0.0"),
            (Text(told.Data, "device"), Text(told.Data, "hardwareId"), Text(told.Data, "product"), Text(told.Data, "version")));

        await EmptyAsync();
        Assert.Single(_receiver.All);
    }

    [Theory]
    [InlineData("reverted", "confirm-deadline")]
    [InlineData("refused", "statement-signature")]
    [InlineData("failed", "flash")]
    public async Task How_a_deployment_failed_is_told_with_its_reason(string state, string detail)
    {
        await AddAsync(_receiver, "deployment." + state);
        await OrderAsync();
        var deployment = (await _device.OfferedAsync()).GetProperty("deployment").GetString();
        await _device.ReportAsync(new { seq = 1, at = 0, deployment, state, detail });

        var told = await _receiver.NextAsync();

        Assert.Equal("deployment." + state, told.Type);
        Assert.Equal((state, detail), (Text(told.Data, "state"), Text(told.Data, "detail")));
        Assert.False(told.Data.TryGetProperty("confirmedAt", out _));
    }

    [Fact]
    public async Task A_recovery_that_is_done_and_an_alert_that_opens_and_closes_are_told()
    {
        await AddAsync(_receiver, "deployment.completed", "alert.opened", "alert.closed");
        var rescue = ABuild.Of("9.0.0");
        await _server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await _device.HeldAsync();
        await _server.PostAsync($"api/v1/devices/{_device.Id}/recover", new { reason = "new router" });
        _device.LastOrder = (await _device.OfferedAsync()).GetProperty("number").GetInt64();
        _device.Cleared = _device.LastOrder;
        await _device.HeldAsync();

        var completed = await _receiver.NextAsync();
        Assert.Equal(("deployment.completed", "recover"), (completed.Type, Text(completed.Data, "action")));

        _server.Time.Ahead += TimeSpan.FromHours(1);
        _server.App.Services.GetRequiredService<AlertWatch>().Sweep();
        var opened = await _receiver.NextAsync();
        await _device.HeldAsync();
        var closed = await _receiver.NextAsync();
        Assert.Equal(("alert.opened", "alert.closed"), (opened.Type, closed.Type));
        Assert.Equal("silent", Text(opened.Data, "kind"));
        Assert.Equal(opened.Data.GetProperty("alert").GetInt64(), closed.Data.GetProperty("alert").GetInt64());
        Assert.Equal(closed.Json.GetProperty("at").GetInt64(), closed.Data.GetProperty("closedAt").GetInt64());
    }

    [Fact]
    public async Task A_receiver_that_fails_gets_the_same_event_again_and_then_no_more()
    {
        _receiver.Answer = (context, _) => AReceiver.StatusAsync(context, _receiver.All.Count < 3 ? 500 : 200);
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await ConfirmAsync();

        var first = await _receiver.NextAsync();
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "HTTP 500");
        _server.Time.Ahead += TimeSpan.FromMinutes(1);
        var second = await _receiver.NextAsync();
        await UntilAsync(() => Task.FromResult(Count("SELECT max(attempts) FROM webhook_outbox") == 2));
        _server.Time.Ahead += TimeSpan.FromMinutes(1);
        var third = await _receiver.NextAsync();

        Assert.Equal((first.Id, first.Body), (second.Id, second.Body));
        Assert.Equal((first.Id, first.Body), (third.Id, third.Body));
        foreach (var told in new[] { first, second, third })
            told.SignedWith(webhook.GetProperty("secret").GetString()!);
        Assert.True(long.Parse(second.Timestamp, null) > long.Parse(first.Timestamp, null));
        await EmptyAsync();
        Assert.Equal(3, _receiver.All.Count);
    }

    [Fact]
    public async Task A_receiver_that_is_down_while_the_server_is_restarted_is_told_afterwards()
    {
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await _receiver.DownAsync();
        var deployment = await ConfirmAsync();
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "no answer (ConnectionError)");

        await _server.RestartAsync();
        await _receiver.UpAsync();
        _server.Time.Ahead += TimeSpan.FromMinutes(1);

        var told = await _receiver.NextAsync();
        Assert.Equal(deployment, told.Data.GetProperty("deployment").GetInt64());
        told.SignedWith(webhook.GetProperty("secret").GetString()!);
    }

    [Fact]
    public async Task A_receiver_that_hangs_is_given_ten_seconds_and_holds_up_nobody_else()
    {
        await using var hanging = await AReceiver.StartAsync();
        var letGo = new TaskCompletionSource();
        hanging.Answer = async (context, _) =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            letGo.TrySetResult();
        };
        var slow = await AddAsync(hanging, "alert.opened");
        await AddAsync(_receiver, "deployment.confirmed");

        // Twice as many as may be under way to it at once.
        foreach (var _ in Enumerable.Range(0, 8))
            await PingAsync(slow);
        await hanging.NextAsync();
        await ConfirmAsync();
        await _receiver.NextAsync();
        Assert.False(letGo.Task.IsCompleted);

        await letGo.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await UntilAsync(async () => Text(await ListedAsync(slow), "lastError") == "no answer within 10 s");
        Assert.InRange(hanging.All.Count, 4, 8);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = await AReceiver.StartAsync();
        _receiver.Answer = (context, _) =>
        {
            context.Response.Headers.Location = elsewhere.Url;
            return AReceiver.StatusAsync(context, 307);
        };
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await PingAsync(webhook);
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "HTTP 307");

        Assert.Empty(elsewhere.All);
    }

    [Fact]
    public async Task A_receiver_that_answers_without_end_is_not_listened_to()
    {
        _receiver.Answer = async (context, _) =>
        {
            var page = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(page, context.RequestAborted);
        };
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await PingAsync(webhook);

        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("lastDelivered").ValueKind == JsonValueKind.String);
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_told_nothing_more()
    {
        _receiver.Answer = (context, _) => AReceiver.StatusAsync(context, 410);
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await ConfirmAsync();
        await _receiver.NextAsync();
        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("disabled").ValueKind == JsonValueKind.String);

        var listed = await ListedAsync(webhook);
        Assert.Equal(("HTTP 410", 0), (Text(listed, "lastError"), listed.GetProperty("queued").GetInt32()));
        using var ping = await _server.Admin.PostAsJsonAsync($"{Path}/{Text(webhook, "id")}/test", new { });
        Assert.Equal(HttpStatusCode.Conflict, ping.StatusCode);
        var other = await ADevice.EnrollAsync(_server, _enrollmentKey, "02:00:00:00:00:02");
        await ConfirmAsync(other);
        Assert.Equal(0, Waiting());
        var disabled = (await AuditedAsync()).Single(entry => Text(entry, "action") == "webhook.disable");
        Assert.Equal(("server", "kettle"), (Text(disabled, "who"), Text(disabled, "subject")));
        Assert.Equal($"{Text(webhook, "id")} to {_receiver.Url}", Text(disabled, "detail"));
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_not_told_what_was_about_to_go_out_either()
    {
        _receiver.Answer = (context, _) => AReceiver.StatusAsync(context, 410);
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        var at = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await _server.App.Services.GetRequiredService<Database>().WriteAsync(
            connection =>
            {
                for (var i = 0; i < 60; i++)
                    Outbox.Ping(connection, Text(webhook, "id")!, at);
            },
            CancellationToken.None);
        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("disabled").ValueKind == JsonValueKind.String);
        await _server.RestartAsync();

        // Those that were on their way when the first answer came.
        Assert.InRange(_receiver.All.Count, 1, 8);
        Assert.Single(await AuditedAsync(), entry => Text(entry, "action") == "webhook.disable");
    }

    [Fact]
    public async Task A_removed_webhook_is_not_told_what_was_about_to_go_out()
    {
        var (first, removed) = (new TaskCompletionSource(), new TaskCompletionSource());
        _receiver.Answer = async (context, _) =>
        {
            first.TrySetResult();
            await removed.Task;
            await AReceiver.StatusAsync(context, 204);
        };
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        var at = _server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await _server.App.Services.GetRequiredService<Database>().WriteAsync(
            connection =>
            {
                for (var i = 0; i < 60; i++)
                    Outbox.Ping(connection, Text(webhook, "id")!, at);
            },
            CancellationToken.None);
        await first.Task;
        using var answer = await _server.Admin.DeleteAsync($"{Path}/{Text(webhook, "id")}");
        removed.SetResult();
        var other = await AddAsync(_receiver, "deployment.confirmed");
        await PingAsync(other);
        await EmptyAsync();
        await _server.RestartAsync();

        Assert.InRange(_receiver.All.Count, 2, 8);
    }

    [Fact]
    public async Task What_is_not_taken_for_three_days_is_given_up_and_said_so()
    {
        _receiver.Answer = (context, _) => AReceiver.StatusAsync(context, 503);
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await PingAsync(webhook);
        var id = (await _receiver.NextAsync()).Id;
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "HTTP 503");
        _server.Time.Ahead += TimeSpan.FromDays(4);
        Assert.Equal(id, (await _receiver.NextAsync()).Id);

        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("givenUp").GetInt64() == 1);
        Assert.Equal(0, Waiting());
        Assert.Contains(
            $"Webhook {Text(webhook, "id")} was not told {id}: given up after 2 attempts, the last: HTTP 503.",
            _server.Log.Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_a_deployment_is_only_assumed_is_told_by_its_own_name()
    {
        await AddAsync(_receiver, "deployment.assumed", "deployment.confirmed");
        var (id, sketch) = await AnEspSketch.AdoptAsync(_server);
        (sketch.Version, sketch.SketchMd5) = (null, "");
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = id });
        await sketch.FetchAsync();
        await sketch.HeldAsync();

        var told = await _receiver.NextAsync();

        Assert.Equal(("deployment.assumed", id, "assumed"), (told.Type, Text(told.Data, "device"), Text(told.Data, "state")));
        Assert.False(told.Data.TryGetProperty("confirmedAt", out _));
    }

    [Fact]
    public async Task An_outbox_holds_so_many_events_and_then_gives_up_the_oldest()
    {
        await _receiver.DownAsync();
        var webhook = Text(await AddAsync(_receiver, "deployment.confirmed"), "id")!;
        var database = _server.App.Services.GetRequiredService<Database>();
        string[] ids = [];
        await database.WriteAsync(
            connection => ids =
            [
                .. Enumerable.Range(0, Outbox.MostWaiting + 3).Select(_ => Outbox.Ping(connection, webhook, long.MaxValue / 2)),
            ],
            CancellationToken.None);

        Assert.Equal(Outbox.MostWaiting, Waiting());
        const string oldest = "SELECT event FROM webhook_outbox ORDER BY number LIMIT 1";
        Assert.Equal(ids[3], database.Read(connection => connection.ExecuteScalar<string>(oldest)));
        var listed = await ListedAsync(webhook);
        Assert.Equal((Outbox.MostWaiting, 3), (listed.GetProperty("queued").GetInt32(), listed.GetProperty("givenUp").GetInt32()));
        await _receiver.UpAsync();
    }

    [Fact]
    public async Task The_secret_is_shown_once_and_stands_nowhere()
    {
        using var developer = await _server.AsAsync("developer");
        using var added = await developer.PostAsJsonAsync(
            Path, new { url = _receiver.Url + "?token=hush", events = new[] { "deployment.confirmed" } });
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        var webhook = await added.Content.ReadFromJsonAsync<JsonElement>();
        var secret = Text(webhook, "secret")!;
        using var viewer = await _server.AsAsync("viewer");
        await ConfirmAsync();
        var told = await _receiver.NextAsync();
        Assert.Equal("/hook?token=hush", told.Path);
        told.SignedWith(secret);

        var listed = await viewer.GetStringAsync(Path);
        var removed = await (await developer.DeleteAsync($"{Path}/{Text(webhook, "id")}")).Content.ReadAsStringAsync();
        var audit = await _server.Admin.GetStringAsync("api/v1/audit");
        await _server.RestartAsync();
        var files = string.Concat(
            Directory.EnumerateFiles(_server.Data, "ota.db*").Select(file => File.ReadAllText(file, System.Text.Encoding.Latin1)));
        foreach (var place in new[] { listed, removed, audit, files, _server.Log.Text })
        {
            Assert.DoesNotContain(secret, place, StringComparison.Ordinal);
            Assert.DoesNotContain(secret["whsec_".Length..], place, StringComparison.Ordinal);
        }

        foreach (var place in new[] { listed, removed, audit, _server.Log.Text })
            Assert.DoesNotContain("hush", place, StringComparison.Ordinal);
        Assert.Contains(_receiver.Url, listed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removed_webhook_is_told_nothing_more_and_what_waited_is_forgotten()
    {
        await _receiver.DownAsync();
        var webhook = await AddAsync(_receiver, "deployment.confirmed");
        await ConfirmAsync();
        Assert.Equal(1, Waiting());

        using var removed = await _server.Admin.DeleteAsync($"{Path}/{Text(webhook, "id")}");
        Assert.Equal(HttpStatusCode.OK, removed.StatusCode);
        Assert.Equal(0, Waiting());
        using var again = await _server.Admin.DeleteAsync($"{Path}/{Text(webhook, "id")}");
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        Assert.Equal(
            ["webhook.add", "webhook.remove"],
            (await AuditedAsync()).Select(entry => Text(entry, "action")!)
                .Where(action => action.StartsWith("webhook", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("""{"url":"http://example.com/","events":["alert.opened"]}""", 400, "https")]
    [InlineData("""{"url":"https://u:p@example.com/","events":["alert.opened"]}""", 400, "user name")]
    [InlineData("""{"url":"https://example.com/","events":[]}""", 400, "one or more of alert.opened")]
    [InlineData("""{"url":"https://example.com/","events":["alert.opened","ping"]}""", 400, "one or more of alert.opened")]
    [InlineData("""{"url":"https://example.com/","events":[null]}""", 400, "one or more of alert.opened")]
    [InlineData("""{"events":["alert.opened"]}""", 400, "url is")]
    [InlineData("{}", 400, "url is")]
    public async Task A_webhook_that_cannot_be_is_refused_with_a_reason(string body, int status, string reason)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await _server.Admin.PostAsync(Path, content);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(reason, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_product_has_ten_webhooks_at_most_and_others_products_have_none_of_them()
    {
        for (var i = 0; i < WebhookTable.MostOfProduct; i++)
            await AddAsync(_receiver, "alert.opened");
        using var eleventh = await _server.Admin.PostAsJsonAsync(Path, new { url = _receiver.Url, events = new[] { "alert.opened" } });
        Assert.Equal(HttpStatusCode.Conflict, eleventh.StatusCode);

        using var unknown = await _server.Admin.GetAsync("api/v1/products/teapot/webhooks");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        await _server.AddProductAsync("pan");
        var one = Text((await _server.GetAsync(Path))[0], "id");
        using var foreign = await _server.Admin.DeleteAsync($"api/v1/products/pan/webhooks/{one}");
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private async Task<JsonElement[]> AuditedAsync() => [.. (await _server.GetAsync("api/v1/audit")).EnumerateArray()];

    private Task<JsonElement> AddAsync(AReceiver receiver, params string[] events) =>
        _server.PostAsync(Path, new { url = receiver.Url, events });

    private Task<JsonElement> PingAsync(JsonElement webhook) => _server.PostAsync($"{Path}/{Text(webhook, "id")}/test", new { });

    private Task<JsonElement> ListedAsync(JsonElement webhook) => ListedAsync(Text(webhook, "id")!);

    private async Task<JsonElement> ListedAsync(string webhook) =>
        (await _server.GetAsync(Path)).EnumerateArray().Single(listed => Text(listed, "id") == webhook);

    private long Count(string sql) =>
        _server.App.Services.GetRequiredService<Database>().Read(connection => connection.ExecuteScalar<long>(sql));

    private long Waiting() => Count("SELECT count(*) FROM webhook_outbox");

    private Task EmptyAsync() => UntilAsync(() => Task.FromResult(Waiting() == 0));

    /// <summary>Looks again and again until it is so, which must be soon.</summary>
    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await holds())
            await Task.Delay(50, deadline.Token);
    }

    private Task<JsonElement> OrderAsync(ADevice? device = null) => _server.PostAsync(
        "api/v1/deployments", new { product = "kettle", version = "1.0.0", device = (device ?? _device).Id });

    /// <summary>Confirms 1.0.0 on a device; the deployment's id.</summary>
    private async Task<long> ConfirmAsync(ADevice? device = null)
    {
        var ordered = await OrderAsync(device);
        await (device ?? _device).InstallAsync("1.0.0");
        return ordered.GetProperty("deployment").GetInt64();
    }
}
