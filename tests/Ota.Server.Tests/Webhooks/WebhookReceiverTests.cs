using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Tests.Running;
using Ota.Server.Webhooks;

namespace Ota.Server.Tests.Webhooks;

/// <summary>Receivers that fail, hang, lead elsewhere, never stop, or are gone.</summary>
public sealed class WebhookReceiverTests : WithAReceiver
{
    [Fact]
    public async Task A_receiver_that_fails_gets_the_same_event_again_and_then_no_more()
    {
        Receiver.Answer = (context, _) => AReceiver.StatusAsync(context, Receiver.All.Count < 3 ? 500 : 200);
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await ConfirmAsync();

        var first = await Receiver.NextAsync();
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "HTTP 500");
        Server.Time.Ahead += TimeSpan.FromMinutes(1);
        var second = await Receiver.NextAsync();
        await UntilAsync(() => Task.FromResult(Count("SELECT max(attempts) FROM webhook_outbox") == 2));
        Server.Time.Ahead += TimeSpan.FromMinutes(1);
        var third = await Receiver.NextAsync();

        Assert.Equal((first.Id, first.Body), (second.Id, second.Body));
        Assert.Equal((first.Id, first.Body), (third.Id, third.Body));
        foreach (var told in new[] { first, second, third })
            told.SignedWith(webhook.GetProperty("secret").GetString()!);
        Assert.True(long.Parse(second.Timestamp, null) > long.Parse(first.Timestamp, null));
        await EmptyAsync();
        Assert.Equal(3, Receiver.All.Count);
    }

    [Fact]
    public async Task A_receiver_that_is_down_while_the_server_is_restarted_is_told_afterwards()
    {
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await Receiver.DownAsync();
        var deployment = await ConfirmAsync();
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "no answer (ConnectionError)");

        await Server.RestartAsync();
        await Receiver.UpAsync();
        Server.Time.Ahead += TimeSpan.FromMinutes(1);

        var told = await Receiver.NextAsync();
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
        await AddAsync(Receiver, "deployment.confirmed");

        // Twice as many as may be under way to it at once.
        foreach (var _ in Enumerable.Range(0, 8))
            await PingAsync(slow);
        await hanging.NextAsync();
        await ConfirmAsync();
        await Receiver.NextAsync();
        Assert.False(letGo.Task.IsCompleted);

        await letGo.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await UntilAsync(async () => Text(await ListedAsync(slow), "lastError") == "no answer within 10 s");
        Assert.InRange(hanging.All.Count, 4, 8);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = await AReceiver.StartAsync();
        Receiver.Answer = (context, _) =>
        {
            context.Response.Headers.Location = elsewhere.Url;
            return AReceiver.StatusAsync(context, 307);
        };
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await PingAsync(webhook);
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "HTTP 307");

        Assert.Empty(elsewhere.All);
    }

    [Fact]
    public async Task A_receiver_that_answers_without_end_is_not_listened_to()
    {
        Receiver.Answer = async (context, _) =>
        {
            var page = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(page, context.RequestAborted);
        };
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await PingAsync(webhook);

        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("lastDelivered").ValueKind == JsonValueKind.String);
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_told_nothing_more()
    {
        Receiver.Answer = (context, _) => AReceiver.StatusAsync(context, 410);
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await ConfirmAsync();
        await Receiver.NextAsync();
        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("disabled").ValueKind == JsonValueKind.String);

        var listed = await ListedAsync(webhook);
        Assert.Equal(("HTTP 410", 0), (Text(listed, "lastError"), listed.GetProperty("queued").GetInt32()));
        using var ping = await Server.Admin.PostAsJsonAsync($"{Path}/{Text(webhook, "id")}/test", new { });
        Assert.Equal(HttpStatusCode.Conflict, ping.StatusCode);
        var other = await ADevice.EnrollAsync(Server, EnrollmentKey, "02:00:00:00:00:02");
        await ConfirmAsync(other);
        Assert.Equal(0, Waiting());
        var disabled = (await AuditedAsync()).Single(entry => Text(entry, "action") == "webhook.disable");
        Assert.Equal(("server", "kettle"), (Text(disabled, "who"), Text(disabled, "subject")));
        Assert.Equal($"{Text(webhook, "id")} to {Receiver.Url}", Text(disabled, "detail"));
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_not_told_what_was_about_to_go_out_either()
    {
        Receiver.Answer = (context, _) => AReceiver.StatusAsync(context, 410);
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        var at = Server.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await Server.App.Services.GetRequiredService<Database>().WriteAsync(
            connection =>
            {
                for (var i = 0; i < 60; i++)
                    Outbox.Ping(connection, Text(webhook, "id")!, at);
            },
            CancellationToken.None);
        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("disabled").ValueKind == JsonValueKind.String);
        await Server.RestartAsync();

        // Those that were on their way when the first answer came.
        Assert.InRange(Receiver.All.Count, 1, 8);
        Assert.Single(await AuditedAsync(), entry => Text(entry, "action") == "webhook.disable");
    }

    [Fact]
    public async Task What_is_not_taken_for_three_days_is_given_up_and_said_so()
    {
        Receiver.Answer = (context, _) => AReceiver.StatusAsync(context, 503);
        var webhook = await AddAsync(Receiver, "deployment.confirmed");
        await PingAsync(webhook);
        var id = (await Receiver.NextAsync()).Id;
        await UntilAsync(async () => Text(await ListedAsync(webhook), "lastError") == "HTTP 503");
        Server.Time.Ahead += TimeSpan.FromDays(4);
        Assert.Equal(id, (await Receiver.NextAsync()).Id);

        await UntilAsync(async () => (await ListedAsync(webhook)).GetProperty("givenUp").GetInt64() == 1);
        Assert.Equal(0, Waiting());
        Assert.Contains(
            $"Webhook {Text(webhook, "id")} was not told {id}: given up after 2 attempts, the last: HTTP 503.",
            Server.Log.Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_outbox_holds_so_many_events_and_then_gives_up_the_oldest()
    {
        await Receiver.DownAsync();
        var webhook = Text(await AddAsync(Receiver, "deployment.confirmed"), "id")!;
        var database = Server.App.Services.GetRequiredService<Database>();
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
        await Receiver.UpAsync();
    }

    private Task<JsonElement> ListedAsync(JsonElement webhook) => ListedAsync(Text(webhook, "id")!);

    private async Task<JsonElement> ListedAsync(string webhook) =>
        (await Server.GetAsync(Path)).EnumerateArray().Single(listed => Text(listed, "id") == webhook);
}
