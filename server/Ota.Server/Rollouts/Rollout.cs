using Ota.Server.Devices;

namespace Ota.Server.Rollouts;

/// <summary>Whom a rollout is for.</summary>
public enum RolloutTarget
{
    Device,
    Group,
    All,
}

public enum RolloutState
{
    Active,
    Aborted,
}

/// <summary>The plan to bring one version of a product to many devices; deployments are born as devices ask.</summary>
/// <param name="Id">From the sequence shared with deployments.</param>
/// <param name="Hardware">Narrows it to one kind of hardware; null for every kind the version has a build for.</param>
internal sealed record Rollout(
    long Id,
    string Product,
    string Version,
    string? Hardware,
    RolloutTarget Target,
    string? Group,
    RolloutState State,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Ended);

/// <summary>Whether a rollout concerns a device. Pure.</summary>
internal static class RolloutPolicy
{
    /// <summary>
    /// A rollout concerns a device that has had no later instruction: what staff said last about a device wins.
    /// </summary>
    public static bool Concerns(Rollout rollout, Device device) =>
        rollout.State == RolloutState.Active
        && rollout.Id > device.Instruction
        && rollout.Product == device.Product
        && (rollout.Hardware is null || rollout.Hardware == device.Hardware)
        && (rollout.Target == RolloutTarget.All || (rollout.Group is not null && rollout.Group == device.Group));
}

public sealed record RolloutView(
    long Id,
    string Product,
    string Version,
    string? Hardware,
    string Target,
    string State,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset? Ended,
    IReadOnlyDictionary<string, long> Deployments);
