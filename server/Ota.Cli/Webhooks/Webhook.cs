using System.Text.Json.Serialization;
using Ota.Cli.Output;

namespace Ota.Cli.Webhooks;

internal sealed record NewWebhook(string Url, IReadOnlyList<string> Events);

/// <param name="Url">Without its query.</param>
/// <param name="Disabled">When its receiver answered 410.</param>
/// <param name="Queued">Events that wait for it.</param>
/// <param name="GivenUp">Events that it was never told of.</param>
/// <param name="Secret">What deliveries are signed with: in the answer that made it, and never again.</param>
internal sealed record Webhook(
    string Id,
    string? Product,
    string? Url,
    IReadOnlyList<string> Events,
    DateTimeOffset? Created,
    string? CreatedBy,
    DateTimeOffset? Disabled,
    long Queued,
    long GivenUp,
    DateTimeOffset? LastDelivered,
    DateTimeOffset? LastFailed,
    string? LastError,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret)
{
    /// <summary>How it stands, in a few words.</summary>
    public Cell State => Disabled is not null ? new Cell("disabled", Tone.Bad)
        : LastFailed is not null && (LastDelivered is null || LastDelivered < LastFailed) ? new Cell("failing", Tone.Bad)
        : LastDelivered is not null ? new Cell("delivered", Tone.Good)
        : new Cell("new", Tone.Dim);
}

/// <param name="Event">The id under which it is told.</param>
internal sealed record WebhookPing(string Event);
