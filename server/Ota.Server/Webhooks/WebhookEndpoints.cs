using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Server.Settings;
using Ota.Server.Staff;

namespace Ota.Server.Webhooks;

internal static class WebhookEndpoints
{
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static void MapWebhooks(this IEndpointRouteBuilder api)
    {
        var webhooks = api.MapGroup("/products/{product}/webhooks").WithTags("Webhooks");
        webhooks.MapGet("", List).For(StaffRole.Viewer).WithSummary("A product's webhooks, without their secrets");
        webhooks.MapPost("", AddAsync).For(StaffRole.Developer)
            .WithSummary("Adds an address that is told of events; its signing secret is shown this once");
        webhooks.MapDelete("/{webhook}", RemoveAsync).For(StaffRole.Developer)
            .WithSummary("Removes a webhook and what waits for it");
        webhooks.MapPost("/{webhook}/test", PingAsync).For(StaffRole.Developer).WithSummary("Sends a webhook the event ping");
    }

    private static Results<Ok<WebhookView[]>, ProblemHttpResult> List(string product, ProductCatalog products, Database database)
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        var webhooks = database.Read(connection => WebhookTable.Of(connection, found.Name));
        return TypedResults.Ok(webhooks.Select(webhook => View(webhook)).ToArray());
    }

    private static async Task<Results<Created<WebhookView>, ProblemHttpResult>> AddAsync(
        string product, NewWebhook asked, ProductCatalog products, Database database, MasterSecret master, ServerSettings settings,
        TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        if (WebhookAddress.Read(asked.Url, settings.HttpWebhooks, out var reason) is not { } url)
            return Problems.Invalid(reason);
        if (asked.Events is not { Count: > 0 } events || events.Any(word => word is null || !WebhookEvents.IsOne(word)))
            return Problems.Invalid($"events is one or more of {string.Join(", ", WebhookEvents.All)}.");
        var webhook = new Webhook(
            "wh_" + RandomNumberGenerator.GetString(Alphabet, 12), found.Name, url, [.. events.Distinct(StringComparer.Ordinal)],
            DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()), user.Who(), Disabled: null, Queued: 0,
            GivenUp: 0, LastDelivered: null, LastFailed: null, LastError: null);
        return await database.WriteAsync(connection => WebhookTable.Add(connection, webhook), cancellation)
            ? TypedResults.Created(
                $"/api/v1/products/{found.Name}/webhooks", View(webhook, WebhookSignature.Shown(master.WebhookSecret(webhook.Id))))
            : Problems.Conflict("too-many-webhooks",
                $"Product '{found.Name}' has {WebhookTable.MostOfProduct} webhooks, which is the most. Remove one first.");
    }

    private static async Task<Results<Ok<WebhookView>, ProblemHttpResult>> RemoveAsync(
        string product, string webhook, Database database, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        var removed = await database.WriteAsync(
            connection => WebhookTable.Find(connection, product, webhook) is { } found
                && WebhookTable.Remove(connection, found, time.GetUtcNow().ToUnixTimeMilliseconds(), user.Who()) ? found : null,
            cancellation);
        return removed is not null ? TypedResults.Ok(View(removed)) : Problems.NotFound("webhook", webhook);
    }

    private static async Task<Results<Accepted<WebhookPing>, ProblemHttpResult>> PingAsync(
        string product, string webhook, Database database, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        var (found, id) = await database.WriteAsync(
            connection =>
            {
                if (WebhookTable.Find(connection, product, webhook) is not { } there)
                    return (null, null);
                if (there.Disabled is not null)
                    return (there, null);
                var at = time.GetUtcNow().ToUnixTimeMilliseconds();
                AuditLog.Append(connection, at, user.Who(), "webhook.test", there.Product, there.Id);
                return ((Webhook?)there, (string?)Outbox.Ping(connection, there.Id, at));
            },
            cancellation);
        return found is null ? Problems.NotFound("webhook", webhook)
            : id is null ? Problems.Conflict("webhook-disabled", $"Webhook {found.Id} answered 410 and is told nothing more. Add it anew.")
            : TypedResults.Accepted((string?)null, new WebhookPing(id));
    }

    private static WebhookView View(Webhook webhook, string? secret = null) => new(
        webhook.Id,
        webhook.Product,
        WebhookAddress.Shown(webhook.Url),
        webhook.Events,
        webhook.Created,
        webhook.CreatedBy,
        webhook.Disabled,
        webhook.Queued,
        webhook.GivenUp,
        webhook.LastDelivered,
        webhook.LastFailed,
        webhook.LastError,
        secret);
}
