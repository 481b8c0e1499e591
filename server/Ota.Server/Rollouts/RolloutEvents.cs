using System.Data.Common;
using System.Text.Json.Serialization;
using Ota.Server.Webhooks;

namespace Ota.Server.Rollouts;

/// <summary>What a webhook is told of a rollout.</summary>
/// <param name="Wave">The one that was open, counted from 1.</param>
/// <param name="Reason">The rule that stopped it, with its counts; null for one that came to its end.</param>
internal sealed record RolloutEvent(long Rollout, string Product, string Version, string State, int Wave, string? Reason);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RolloutEvent))]
internal sealed partial class RolloutEventJson : JsonSerializerContext;

/// <summary>How rollouts stop and end by themselves, for webhooks; in the transaction of the change.</summary>
internal static class RolloutEvents
{
    /// <summary>Tells of a change that nobody asked for at that moment; of the others, which people brought about, nobody is told.</summary>
    public static void Append(DbConnection connection, Rollout before, Rollout after, string who)
    {
        var type = (before.State, after.State) switch
        {
            (_, RolloutState.Completed) => WebhookEvents.RolloutCompleted,
            (_, RolloutState.Stopped) => WebhookEvents.RolloutStopped,
            (RolloutState.Active, RolloutState.Returning) when who == RolloutClock.Who => WebhookEvents.RolloutStopped,
            _ => null,
        };
        if (type is null)
            return;
        Outbox.Append(
            connection,
            after.Product,
            type,
            after.Changed.ToUnixTimeMilliseconds(),
            () => new RolloutEvent(after.Id, after.Product, after.Version, RolloutWords.Of(after.State), after.Wave, after.StateReason),
            RolloutEventJson.Default.RolloutEvent);
    }
}
