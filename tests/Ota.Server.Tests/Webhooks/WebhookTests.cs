using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Tests.Dialects;
using Ota.Server.Tests.Running;
using Ota.Server.Webhooks;

namespace Ota.Server.Tests.Webhooks;

/// <summary>From a device's check-in to somebody's real server on loopback.</summary>
public sealed class WebhookTests : WithAReceiver
{
    [Fact]
    public async Task A_confirmed_deployment_is_told_once_signed_and_with_what_a_receiver_needs()
    {
        var webhook = await AddAsync(Receiver, "deployment.confirmed", "deployment.reverted");
        var deployment = await ConfirmAsync();

        var told = await Receiver.NextAsync();

        told.SignedWith(webhook.GetProperty("secret").GetString()!);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.InRange(long.Parse(told.Timestamp, null), now - 60, now + 1);
        Assert.StartsWith("evt_", told.Id, StringComparison.Ordinal);
        Assert.Equal("deployment.confirmed", told.Type);
        var shown = (await Device.ShownAsync()).GetProperty("deployments")[0];
        var ended = shown.GetProperty("ended").GetDateTimeOffset().ToUnixTimeSeconds();
        Assert.Equal(ended, told.Json.GetProperty("at").GetInt64());
        Assert.Equal(ended, told.Data.GetProperty("confirmedAt").GetInt64());
        Assert.Equal(deployment, told.Data.GetProperty("deployment").GetInt64());
        Assert.Equal(
            (Device.Id, "02:00:00:00:00:01", "kettle", "1.0.0"),
            (Text(told.Data, "device"), Text(told.Data, "hardwareId"), Text(told.Data, "product"), Text(told.Data, "version")));

        await EmptyAsync();
        Assert.Single(Receiver.All);
    }

    [Theory]
    [InlineData("reverted", "confirm-deadline")]
    [InlineData("refused", "statement-signature")]
    [InlineData("failed", "flash")]
    public async Task How_a_deployment_failed_is_told_with_its_reason(string state, string detail)
    {
        await AddAsync(Receiver, "deployment." + state);
        await OrderAsync();
        var deployment = (await Device.OfferedAsync()).GetProperty("deployment").GetString();
        await Device.ReportAsync(new { seq = 1, at = 0, deployment, state, detail });

        var told = await Receiver.NextAsync();

        Assert.Equal("deployment." + state, told.Type);
        Assert.Equal((state, detail), (Text(told.Data, "state"), Text(told.Data, "detail")));
        Assert.False(told.Data.TryGetProperty("confirmedAt", out _));
    }

    [Fact]
    public async Task A_recovery_that_is_done_and_an_alert_that_opens_and_closes_are_told()
    {
        await AddAsync(Receiver, "deployment.completed", "alert.opened", "alert.closed");
        var rescue = ABuild.Of("9.0.0");
        await Server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await Device.HeldAsync();
        await Server.PostAsync($"api/v1/devices/{Device.Id}/recover", new { reason = "new router" });
        Device.LastOrder = (await Device.OfferedAsync()).GetProperty("number").GetInt64();
        Device.Cleared = Device.LastOrder;
        await Device.HeldAsync();

        var completed = await Receiver.NextAsync();
        Assert.Equal(("deployment.completed", "recover"), (completed.Type, Text(completed.Data, "action")));

        Server.Time.Ahead += TimeSpan.FromHours(1);
        Server.App.Services.GetRequiredService<AlertWatch>().Sweep();
        var opened = await Receiver.NextAsync();
        await Device.HeldAsync();
        var closed = await Receiver.NextAsync();
        Assert.Equal(("alert.opened", "alert.closed"), (opened.Type, closed.Type));
        Assert.Equal("silent", Text(opened.Data, "kind"));
        Assert.Equal(opened.Data.GetProperty("alert").GetInt64(), closed.Data.GetProperty("alert").GetInt64());
        Assert.Equal(closed.Json.GetProperty("at").GetInt64(), closed.Data.GetProperty("closedAt").GetInt64());
    }

    [Fact]
    public async Task A_removed_webhook_is_not_told_what_was_about_to_go_out()
    {
        var (first, removed) = (new TaskCompletionSource(), new TaskCompletionSource());
        Receiver.Answer = async (context, _) =>
        {
            first.TrySetResult();
            await removed.Task;
            await AReceiver.StatusAsync(context, 204);
        };
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        var at = Server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await Server.App.Services.GetRequiredService<Database>().WriteAsync(
            connection =>
            {
                for (var i = 0; i < 60; i++)
                    Outbox.Ping(connection, Text(webhook, "id")!, at);
            },
            CancellationToken.None);
        await first.Task;
        using var answer = await Server.Admin.DeleteAsync($"{Path}/{Text(webhook, "id")}");
        removed.SetResult();
        var other = await AddAsync(Receiver, "deployment.confirmed");
        await PingAsync(other);
        await EmptyAsync();
        await Server.RestartAsync();

        Assert.InRange(Receiver.All.Count, 2, 8);
    }

    [Fact]
    public async Task That_a_deployment_is_only_assumed_is_told_by_its_own_name()
    {
        await AddAsync(Receiver, "deployment.assumed", "deployment.confirmed");
        var (id, sketch) = await AnEspSketch.AdoptAsync(Server);
        (sketch.Version, sketch.SketchMd5) = (null, "");
        await Server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = id });
        await sketch.FetchAsync();
        await sketch.HeldAsync();

        var told = await Receiver.NextAsync();

        Assert.Equal(("deployment.assumed", id, "assumed"), (told.Type, Text(told.Data, "device"), Text(told.Data, "state")));
        Assert.False(told.Data.TryGetProperty("confirmedAt", out _));
    }

    [Fact]
    public async Task The_secret_is_shown_once_and_stands_nowhere()
    {
        using var developer = await Server.AsAsync("developer");
        using var added = await developer.PostAsJsonAsync(
            Path, new { url = Receiver.Url + "?token=hush", events = new[] { "deployment.confirmed" } });
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        var webhook = await added.Content.ReadFromJsonAsync<JsonElement>();
        var secret = Text(webhook, "secret")!;
        using var viewer = await Server.AsAsync("viewer");
        await ConfirmAsync();
        var told = await Receiver.NextAsync();
        Assert.Equal("/hook?token=hush", told.Path);
        told.SignedWith(secret);

        var listed = await viewer.GetStringAsync(Path);
        var removed = await (await developer.DeleteAsync($"{Path}/{Text(webhook, "id")}")).Content.ReadAsStringAsync();
        var audit = await Server.Admin.GetStringAsync("api/v1/audit");
        await Server.RestartAsync();
        var files = string.Concat(
            Directory.EnumerateFiles(Server.Data, "ota.db*").Select(file => File.ReadAllText(file, System.Text.Encoding.Latin1)));
        foreach (var place in new[] { listed, removed, audit, files, Server.Log.Text })
        {
            Assert.DoesNotContain(secret, place, StringComparison.Ordinal);
            Assert.DoesNotContain(secret["whsec_".Length..], place, StringComparison.Ordinal);
        }

        foreach (var place in new[] { listed, removed, audit, Server.Log.Text })
            Assert.DoesNotContain("hush", place, StringComparison.Ordinal);
        Assert.Contains(Receiver.Url, listed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removed_webhook_is_told_nothing_more_and_what_waited_is_forgotten()
    {
        await Receiver.DownAsync();
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await ConfirmAsync();
        Assert.Equal(1, Waiting());

        using var removed = await Server.Admin.DeleteAsync($"{Path}/{Text(webhook, "id")}");
        Assert.Equal(HttpStatusCode.OK, removed.StatusCode);
        Assert.Equal(0, Waiting());
        using var again = await Server.Admin.DeleteAsync($"{Path}/{Text(webhook, "id")}");
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
        using var answer = await Server.Admin.PostAsync(Path, content);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(reason, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_product_has_ten_webhooks_at_most_and_others_products_have_none_of_them()
    {
        for (var i = 0; i < WebhookTable.MostOfProduct; i++)
            await AddAsync(Receiver, "alert.opened");
        using var eleventh = await Server.Admin.PostAsJsonAsync(Path, new { url = Receiver.Url, events = new[] { "alert.opened" } });
        Assert.Equal(HttpStatusCode.Conflict, eleventh.StatusCode);

        using var unknown = await Server.Admin.GetAsync("api/v1/products/teapot/webhooks");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        await Server.AddProductAsync("pan");
        var one = Text((await Server.GetAsync(Path))[0], "id");
        using var foreign = await Server.Admin.DeleteAsync($"api/v1/products/pan/webhooks/{one}");
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
    }
}
