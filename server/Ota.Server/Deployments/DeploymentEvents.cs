using System.Text.Json.Serialization;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Webhooks;

namespace Ota.Server.Deployments;

/// <summary>What a webhook is told of a deployment that is over.</summary>
/// <param name="Version">Null for a decommission, which has no release.</param>
/// <param name="ConfirmedAt">Unix seconds; null unless it was confirmed.</param>
internal sealed record DeploymentEvent(
    string Device,
    string HardwareId,
    string Product,
    string? Version,
    long Deployment,
    string Action,
    string State,
    string? Detail,
    long? ConfirmedAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeploymentEvent))]
internal sealed partial class DeploymentEventJson : JsonSerializerContext;

/// <summary>How deployments end, for webhooks; in the transaction of the end.</summary>
internal static class DeploymentEvents
{
    private const string NamesSql =
        """
        SELECT d.hardware_id, r.version FROM devices d LEFT JOIN releases r ON r.id = @Release WHERE d.id = @Device
        """;

    /// <summary>Tells of an end that webhooks may ask for; of the others, which people brought about, nobody is told.</summary>
    public static void Append(SqliteConnection connection, Deployment ended)
    {
        var word = DeploymentWords.Shown(ended);
        var type = WebhookEvents.DeploymentPrefix + word;
        if (ended.Ended is not { } at || !WebhookEvents.IsOne(type))
            return;
        Outbox.Append(
            connection,
            ended.Product,
            type,
            at.ToUnixTimeMilliseconds(),
            () =>
            {
                var (hardwareId, version) = connection.QuerySingle<(string, string?)>(NamesSql, new { ended.Release, ended.Device });
                return new DeploymentEvent(
                    ended.Device, hardwareId, ended.Product, version, ended.Id, DeploymentWords.Of(ended.Action), word, ended.Detail,
                    ended.State == DeploymentState.Confirmed ? at.ToUnixTimeSeconds() : null);
            },
            DeploymentEventJson.Default.DeploymentEvent);
    }
}
