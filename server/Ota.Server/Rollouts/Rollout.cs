using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;

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

    /// <summary>Whether a rollout may offer this build: a device refuses for good what a key signed that is no longer trusted.</summary>
    public static bool MayOffer(Release build, Product product) =>
        build is { Withdrawn: null, Image.Deleted: null } && product.Trusts(build.SignedBy);

    /// <summary>
    /// Whether a later rollout leaves an earlier one no device: it is for all of them, has a build for each, and none with a lower security
    /// counter, which a device that runs the earlier one would hold against.
    /// </summary>
    /// <param name="builds">What the earlier one may offer.</param>
    /// <param name="laterBuilds">What the later one may offer.</param>
    public static bool Supersedes(Rollout later, Rollout rollout, IReadOnlyList<Release> builds, IReadOnlyList<Release> laterBuilds) =>
        rollout.State == RolloutState.Active
        && later.State == RolloutState.Active
        && later.Id > rollout.Id
        && later.Product == rollout.Product
        && (later.Target == RolloutTarget.All || later.Group == rollout.Group)
        && builds.All(build => build.Hardware
            .Where(hardware => rollout.Hardware is null || rollout.Hardware == hardware)
            .All(hardware => (later.Hardware is null || later.Hardware == hardware)
                && laterBuilds.Any(other => other.Hardware.Contains(hardware) && other.SecurityCounter >= build.SecurityCounter)));
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
