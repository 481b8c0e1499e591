using Ota.Server.CheckIns;

namespace Ota.Server.Deployments;

/// <summary>Why a device that asked is told to keep what it runs.</summary>
public enum HoldReason
{
    NoDeployment,

    /// <summary>The image that asks has not proved itself yet; nothing is put on top of it.</summary>
    InTrial,
    UpToDate,
    RollbackForbidden,
}

/// <summary>What a decision needs to know of a release.</summary>
public sealed record OfferedRelease(string Id, int SecurityCounter);

/// <summary>What a check-in says about the open deployment.</summary>
public sealed record Observation(DeploymentState State, string? Detail);

/// <summary>Decides what a device that asks is offered. Pure: no clock, no database, no HTTP.</summary>
public static class DeploymentPolicy
{
    /// <summary>So many times a client that is not ours may fetch all of an image and not run it.</summary>
    public const int MostFetches = 3;

    /// <summary>
    /// The reason to hold, or null to offer. The first arm that matches wins. Anti-rollback is here as on the device: it refuses an
    /// image below its counter no matter who ordered it, so offering one would only cost it a download.
    /// </summary>
    public static HoldReason? Decide(CheckIn checkIn, OfferedRelease? release) =>
        release switch
        {
            null => HoldReason.NoDeployment,
            _ when checkIn.Slot == SlotState.Trial => HoldReason.InTrial,
            { Id: var id } when id == checkIn.Release => HoldReason.UpToDate,
            { SecurityCounter: var counter } when counter < checkIn.SecurityCounter => HoldReason.RollbackForbidden,
            _ => null,
        };

    /// <summary>
    /// What a check-in proves about an open deployment, or null when nothing. Confirmed is what the new image says of itself after its
    /// trial; a device that was in trial and asks from another, confirmed image has fallen back, even if its report was lost.
    /// </summary>
    public static Observation? Observe(CheckIn checkIn, Deployment open) => checkIn.Tells switch
    {
        Telling.Agent => OfAgent(checkIn, open),
        _ => OfClient(checkIn, open),
    };

    // What a client that knows no slots and sends no reports shows by asking. That it fetched all of an image proves nothing about what it runs.
    private static Observation? OfClient(CheckIn checkIn, Deployment open) =>
        (checkIn.Release == open.Release, checkIn.Tells, open.State) switch
        {
            (true, Telling.Version, _) => new Observation(DeploymentState.Confirmed, null),
            (true, Telling.Nothing, DeploymentState.Downloaded) =>
                new Observation(DeploymentState.Assumed, "it fetched all of it and asked again; its client does not say what it runs"),
            (true, Telling.Nothing, DeploymentState.Trial) =>
                new Observation(DeploymentState.Assumed, "its client says that it is installed, but not what it runs"),
            (false, Telling.Version, DeploymentState.Downloaded) when open.Fetches >= MostFetches =>
                new Observation(DeploymentState.Reverted, $"it fetched all of it {open.Fetches} times and asked from {ClientCheckIn.Shown(checkIn.Running)} again"),
            _ => null,
        };

    private static Observation? OfAgent(CheckIn checkIn, Deployment open) =>
        (checkIn.Release == open.Release, checkIn.Slot, open.State) switch
        {
            (true, SlotState.Confirmed, _) => new Observation(DeploymentState.Confirmed, null),
            (true, SlotState.Trial, not DeploymentState.Trial) => new Observation(DeploymentState.Trial, null),
            (false, SlotState.Confirmed, DeploymentState.Trial) =>
                new Observation(DeploymentState.Reverted, $"it asked from {checkIn.Running} again"),
            _ => null,
        };

    /// <summary>
    /// True when the order handed out last can be handed out again: the device has not accepted it yet and it stays good for
    /// <paramref name="margin"/>.
    /// </summary>
    public static bool CanRepeatOrder(Deployment open, CheckIn checkIn, DateTimeOffset now, TimeSpan margin) =>
        open.OrderNumber > checkIn.LastOrder && open.OrderExpires - now > margin;
}
