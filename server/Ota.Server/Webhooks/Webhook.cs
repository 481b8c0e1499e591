using System.Text.Json.Serialization;

namespace Ota.Server.Webhooks;

/// <summary>Somebody's address that is told of a product's events.</summary>
internal sealed record Webhook(
    string Id,
    string Product,
    Uri Url,
    IReadOnlyList<string> Events,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Disabled,
    long Queued,
    long GivenUp,
    DateTimeOffset? LastDelivered,
    DateTimeOffset? LastFailed,
    string? LastError);

public sealed record NewWebhook(string? Url, IReadOnlyList<string>? Events);

/// <summary>A webhook as staff see it.</summary>
/// <param name="Url">Without its query, which may hold a secret.</param>
/// <param name="Disabled">When the receiver answered 410; null while it is told.</param>
/// <param name="Queued">Events that wait for it.</param>
/// <param name="GivenUp">Events that it was never told of.</param>
/// <param name="Secret">What deliveries are signed with; only in the answer that made it.</param>
public sealed record WebhookView(
    string Id,
    string Product,
    string Url,
    IReadOnlyList<string> Events,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Disabled,
    long Queued,
    long GivenUp,
    DateTimeOffset? LastDelivered,
    DateTimeOffset? LastFailed,
    string? LastError,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret = null);

/// <summary>The event that a test sends.</summary>
public sealed record WebhookPing(string Event);

/// <summary>What a webhook may be told of.</summary>
internal static class WebhookEvents
{
    public const string AlertOpened = "alert.opened";
    public const string AlertClosed = "alert.closed";
    public const string RolloutStopped = "rollout.stopped";
    public const string RolloutCompleted = "rollout.completed";
    public const string Ping = "ping";

    /// <summary>Before the word of the state in which a deployment ended.</summary>
    public const string DeploymentPrefix = "deployment.";

    /// <summary>What can be asked for.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        AlertOpened, AlertClosed, "deployment.confirmed", "deployment.completed", "deployment.assumed", "deployment.reverted",
        "deployment.refused", "deployment.failed", RolloutStopped, RolloutCompleted,
    ];

    public static bool IsOne(string word) => All.Contains(word, StringComparer.Ordinal);
}
