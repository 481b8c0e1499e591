namespace Ota.Server.Deployments;

/// <summary>One release ordered for one device.</summary>
/// <param name="Id">From the sequence it shares with rollouts: of two instructions the later has the higher number.</param>
/// <param name="Rollout">The rollout it belongs to, or null when it was ordered for this device alone.</param>
/// <param name="Release">The release's id, the hash of its statement.</param>
/// <param name="OrderNumber">Number of the order last handed out for it; 0 before the first.</param>
public sealed record Deployment(
    long Id,
    long? Rollout,
    string Device,
    string Product,
    string Release,
    DeploymentState State,
    string? Detail,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Offered,
    DateTimeOffset? Ended,
    long OrderNumber,
    DateTimeOffset OrderIssued,
    DateTimeOffset OrderExpires);

/// <summary>A deployment as staff see it.</summary>
public sealed record DeploymentView(
    long Id,
    long? Rollout,
    string Device,
    string Product,
    string Version,
    string Kind,
    string Release,
    string State,
    string? Detail,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Offered,
    DateTimeOffset? Ended);
