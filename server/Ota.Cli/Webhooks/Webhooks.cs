using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Webhooks;

/// <summary><c>ota webhook add</c>, <c>list</c>, <c>remove</c> and <c>test</c></summary>
internal static class Webhooks
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Url = new("url")
    {
        Description = "The https address that is told; http on the server itself.",
    };

    private static readonly Argument<string> Id = new("id") { Description = "The webhook's id, as 'ota webhook list' shows it." };
    private static readonly Option<string[]> Events = new("--event")
    {
        Description = "What it is told of; repeat it for several: alert.opened, alert.closed, deployment.confirmed, deployment.completed, "
            + "deployment.assumed, deployment.reverted, deployment.refused, deployment.failed, rollout.stopped, rollout.completed.",
        HelpName = "event",
        Required = true,
    };

    public static Command Add { get; } = new Verb(
        "add", "Tell an address of a product's events; the signing secret is shown this once.", AddAsync) { Product, Url, Events };

    public static Command List { get; } = new Verb("list", "List a product's webhooks.", ListAsync) { Product };

    public static Command Remove { get; } = new Verb("remove", "Remove a webhook and what waits for it.", RemoveAsync) { Product, Id };

    public static Command Test { get; } = new Verb("test", "Send a webhook the event ping.", TestAsync) { Product, Id };

    private static async Task AddAsync(Call call, CancellationToken cancellation)
    {
        var (webhook, _) = await call.Api.PostAsync<NewWebhook, Webhook>(
            ApiPath.Of($"products/{call.Get(Product)}/webhooks"), new NewWebhook(call.Get(Url), call.Get(Events)!), cancellation);
        call.Screen.Show(webhook, screen =>
        {
            screen.Line(
                new Cell(webhook.Id, Tone.Strong),
                $" tells {webhook.Url} of {string.Join(", ", webhook.Events)}. Its secret is shown this once:");
            Screen.Verbatim(Cell.Clean(webhook.Secret));
        });
    }

    private static async Task ListAsync(Call call, CancellationToken cancellation)
    {
        var webhooks = await call.Api.GetAsync<Webhook[]>(ApiPath.Of($"products/{call.Get(Product)}/webhooks"), cancellation);
        call.Screen.Show(webhooks, screen => screen.Table(
            ["Id", "Url", "State", "Waiting", "Delivered", "Last error", "Given up", "Events", "Added", "By"],
            [.. webhooks.Select(webhook => new Cell[]
            {
                new(webhook.Id, Tone.Strong),
                webhook.Url,
                webhook.State,
                (long?)webhook.Queued,
                When.Ago(webhook.LastDelivered, call.Now),
                webhook.LastError is null ? "" : $"{webhook.LastError} ({When.Ago(webhook.LastFailed, call.Now)})",
                (long?)webhook.GivenUp,
                string.Join(", ", webhook.Events),
                When.Ago(webhook.Created, call.Now),
                webhook.CreatedBy,
            })],
            "No webhook."));
    }

    private static async Task RemoveAsync(Call call, CancellationToken cancellation)
    {
        var webhook = await call.Api.DeleteAsync<Webhook>(
            ApiPath.Of($"products/{call.Get(Product)}/webhooks/{call.Get(Id)}"), cancellation);
        call.Screen.Show(webhook, screen => screen.Line("Removed: ", new Cell(webhook.Id, Tone.Strong), webhook.Queued == 0
            ? $", {webhook.Url}."
            : $", {webhook.Url}; {webhook.Queued} events that waited for it are forgotten."));
    }

    private static async Task TestAsync(Call call, CancellationToken cancellation)
    {
        var (ping, _) = await call.Api.PostAsync<WebhookPing>(
            ApiPath.Of($"products/{call.Get(Product)}/webhooks/{call.Get(Id)}/test"), cancellation);
        call.Screen.Show(ping, screen => screen.Line(
            "The event ping is on its way as ", new Cell(ping.Event, Tone.Strong),
            $"; 'ota webhook list {call.Get(Product)}' says how it went."));
    }
}
