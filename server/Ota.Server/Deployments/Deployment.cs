namespace Ota.Server.Deployments;

/// <summary>What a device is told to do with a deployment.</summary>
public enum DeploymentAction
{
    Install,

    /// <summary>Run a recovery build once, clear credentials, return to what it runs now.</summary>
    Recover,

    /// <summary>Wipe credentials and identity; there is no release.</summary>
    Decommission,
}

/// <summary>What a rollout's deployment is for.</summary>
public enum DeploymentPurpose
{
    /// <summary>To bring what the rollout is for, or what was ordered for this device alone.</summary>
    Target,

    /// <summary>To bring a release that must be run before that.</summary>
    Step,

    /// <summary>To bring the device back to what it ran before the rollout.</summary>
    Return,
}

/// <summary>One release ordered for one device; a decommission too, which has none.</summary>
/// <param name="Id">From the sequence it shares with rollouts: of two instructions the later has the higher number.</param>
/// <param name="Rollout">The rollout it belongs to, or null when it was ordered for this device alone.</param>
/// <param name="Release">The release's id, the hash of its statement; null for a decommission.</param>
/// <param name="OrderNumber">Number of the order last handed out for it; 0 before the first.</param>
public sealed record Deployment(
    long Id,
    long? Rollout,
    string Device,
    string Product,
    string? Release,
    DeploymentState State,
    string? Detail,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Offered,
    DateTimeOffset? Ended,
    long OrderNumber,
    DateTimeOffset OrderIssued,
    DateTimeOffset OrderExpires)
{
    public DeploymentAction Action { get; init; }

    /// <summary>Why a person asked for it.</summary>
    public string? Reason { get; init; }

    /// <summary>When it is given up if the device has not taken it by then; null for never.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Number of the first order handed out for it; 0 before that.</summary>
    public long FirstOrder { get; init; }

    /// <summary>
    /// The release it ran when it was told: what a recovered device is to come back on, and where a rollout that is returned brings it.
    /// Null for the bootstrap alone.
    /// </summary>
    public string? Returns { get; init; }

    /// <summary>Since when it waits for a better signal, or waited; null for never.</summary>
    public DateTimeOffset? Deferred { get; init; }

    /// <summary>The group a decommissioned device is in from then on; null for none.</summary>
    public string? TransferTo { get; init; }

    /// <summary>The rollout's wave that was open when it began; null without a rollout.</summary>
    public int? Wave { get; init; }

    public DeploymentPurpose Purpose { get; init; }

    /// <summary>How often a client that is not ours fetched its image to the last byte; of a recovery, the image of the release before.</summary>
    public int Fetches { get; init; }

    /// <summary>True for the recovery of a client without orders (docs/states.md).</summary>
    public bool IsTwoStep { get; init; }

    /// <summary>True while a person may take it back: its device has not begun, or for all the server knows has not.</summary>
    public bool CanBeCalledOff => Action == DeploymentAction.Install
        ? State < DeploymentState.Downloaded
        : IsTwoStep ? State < DeploymentState.Downloaded
        : State < DeploymentState.Accepted;

    /// <summary>True when a rollout, or another version for this device, may take its place.</summary>
    public bool CanBeReplaced => Action == DeploymentAction.Install && CanBeCalledOff;
}

/// <summary>A deployment as staff see it.</summary>
/// <param name="TwoStep">True for the recovery of a client without orders (docs/states.md).</param>
public sealed record DeploymentView(
    long Id,
    long? Rollout,
    string Device,
    string Product,
    string Version,
    string Kind,
    string? Release,
    string Action,
    string State,
    string? Detail,
    string? Reason,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Offered,
    DateTimeOffset? Ended,
    DateTimeOffset? Expires,
    int? Wave,
    string Purpose,
    bool TwoStep);
