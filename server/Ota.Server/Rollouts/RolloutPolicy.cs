using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Rollouts;

/// <summary>Why a rollout leaves a device, that it is for, as it is.</summary>
internal enum RolloutHold
{
    InTrial,
    OtherDeployment,

    /// <summary>Its client checks less of an image than its product wants.</summary>
    Protection,
    NoBuild,
    UpToDate,
    BelowFloor,
    NeedsStep,
    NotStarted,
    Paused,
    WaveNotOpen,
    OutsideWindow,
    Rate,

    /// <summary>It has its deployment, and that waits for a better signal.</summary>
    WeakSignal,
}

/// <summary>How a device that asks stands to a rollout.</summary>
/// <param name="Runs">Id of its release; null for the bootstrap.</param>
/// <param name="Floor">Its security counter.</param>
/// <param name="IsBusy">It is to be recovered or decommissioned, or installs something.</param>
/// <param name="Build">The rollout's build for its hardware that can be handed out; null for none.</param>
/// <param name="NeedsStep">It must run another release before.</param>
/// <param name="Step">That one's build for its hardware that can be handed out; null for none.</param>
/// <param name="IsAdmitted">By the open wave.</param>
/// <param name="IsInWindow">It is one of the hours, where it stands.</param>
/// <param name="IsPaced">This minute has room for it.</param>
internal readonly record struct Standing(
    SlotState Slot,
    string? Runs,
    int Floor,
    bool IsBusy,
    OfferedRelease? Build,
    bool NeedsStep,
    OfferedRelease? Step,
    bool IsAdmitted,
    bool IsInWindow,
    bool IsPaced)
{
    /// <summary>Its client checks less of an image than its product wants.</summary>
    public bool ChecksTooLittle { get; init; }
}

/// <summary>Begin, hold for a reason, or, with neither, skip: it runs what the rollout brings.</summary>
internal readonly record struct RolloutDecision(OfferedRelease? Begins, DeploymentPurpose Purpose, RolloutHold? Held)
{
    public bool IsSkip => Begins is null && Held is null;
}

/// <summary>What one rollout means for one device. Pure.</summary>
internal static class RolloutPolicy
{
    /// <summary>The first arm that matches wins; docs/states.md has the same table.</summary>
    public static RolloutDecision Decide(RolloutState state, in Standing standing) => standing switch
    {
        { Slot: SlotState.Trial } => Hold(RolloutHold.InTrial),
        { IsBusy: true } => Hold(RolloutHold.OtherDeployment),
        { ChecksTooLittle: true } => Hold(RolloutHold.Protection),
        { Build: null } => Hold(RolloutHold.NoBuild),
        { Build.Id: var build, IsAdmitted: true } when build == standing.Runs && IsOpen(state) => default,
        { Build.Id: var build } when build == standing.Runs => Hold(RolloutHold.UpToDate),
        { Build.SecurityCounter: var counter } when counter < standing.Floor => Hold(RolloutHold.BelowFloor),
        { NeedsStep: true, Step: null } => Hold(RolloutHold.NeedsStep),
        { Step.SecurityCounter: var counter } when counter < standing.Floor => Hold(RolloutHold.NeedsStep),
        _ when state == RolloutState.Scheduled => Hold(RolloutHold.NotStarted),
        _ when !IsOpen(state) => Hold(RolloutHold.Paused),
        { IsAdmitted: false } => Hold(RolloutHold.WaveNotOpen),
        { IsInWindow: false } => Hold(RolloutHold.OutsideWindow),
        { IsPaced: false } => Hold(RolloutHold.Rate),
        { Step: { } step } => new RolloutDecision(step, DeploymentPurpose.Step, null),
        { Build: { } build } => new RolloutDecision(build, DeploymentPurpose.Target, null),
    };

    /// <summary>Whether a reason to hold stays as it is until the rollouts, the releases or the device change.</summary>
    public static bool IsSteady(RolloutHold held) => held is not (RolloutHold.OutsideWindow or RolloutHold.Rate or RolloutHold.Protection);

    /// <summary>
    /// What a rollout that is returned hands a device that got it and runs it.
    /// </summary>
    /// <param name="before">What the device ran before, as it can be handed out; null when it cannot, or was the bootstrap.</param>
    public static RolloutDecision DecideReturn(in Standing standing, OfferedRelease? before) => standing switch
    {
        { Slot: SlotState.Trial } => Hold(RolloutHold.InTrial),
        { IsBusy: true } => Hold(RolloutHold.OtherDeployment),
        { ChecksTooLittle: true } => Hold(RolloutHold.Protection),
        _ when before is null => Hold(RolloutHold.NoBuild),
        _ when before.SecurityCounter < standing.Floor => Hold(RolloutHold.BelowFloor),
        _ => new RolloutDecision(before, DeploymentPurpose.Return, null),
    };

    /// <summary>Whom it is for, whatever they were told since. The filter is asked apart.</summary>
    public static bool IsFor(Rollout rollout, Device device) =>
        rollout.Product == device.Product
        && (rollout.Hardware is null || rollout.Hardware == device.Hardware)
        && (rollout.Target == RolloutTarget.All || (rollout.Group is not null && rollout.Group == device.Group));

    /// <summary>
    /// A rollout concerns a device that has had no later instruction: what staff said last about a device wins.
    /// </summary>
    /// <param name="instruction">Number of the latest deployment or rollout the device was given.</param>
    public static bool Concerns(Rollout rollout, Device device, long instruction) =>
        !rollout.IsOver
        && rollout.State != RolloutState.Returning
        && rollout.Id > instruction
        && IsFor(rollout, device);

    /// <summary>
    /// Whether a rollout may hand out this build: its image is there, and a device refuses for good what a key signed that is no longer
    /// trusted.
    /// </summary>
    public static bool MayOffer(Release build, Product product) =>
        build is { Withdrawn: null, Image.Deleted: null } && product.Trusts(build.SignedBy);

    /// <summary>
    /// Whether a later rollout leaves an earlier one no device: it is for all of them and lets all of them in, at any hour, has a build for
    /// each, and none with a lower security counter, which a device that runs the earlier one would hold against.
    /// </summary>
    /// <param name="builds">What the earlier one may offer.</param>
    /// <param name="laterBuilds">What the later one may offer.</param>
    public static bool Supersedes(Rollout later, Rollout rollout, IReadOnlyList<Release> builds, IReadOnlyList<Release> laterBuilds) =>
        later.IsOpen
        && later.Plan is { Window: null, Rate: null }
        && later.Wave == later.Plan.Waves.Count
        && later.Plan.Waves.IsWhole
        && (later.Plan.Where is null || later.Plan.Where.ToString() == rollout.Plan.Where?.ToString())
        && later.Id > rollout.Id
        && later.Product == rollout.Product
        && (later.Target == RolloutTarget.All || later.Group == rollout.Group)
        && builds.All(build => build.Hardware
            .Where(hardware => rollout.Hardware is null || rollout.Hardware == hardware)
            .All(hardware => (later.Hardware is null || later.Hardware == hardware)
                && laterBuilds.Any(other => other.Hardware.Contains(hardware) && other.SecurityCounter >= build.SecurityCounter)));

    private static bool IsOpen(RolloutState state) => state is RolloutState.Active or RolloutState.Completed;

    private static RolloutDecision Hold(RolloutHold reason) => new(null, DeploymentPurpose.Target, reason);
}

/// <summary>The words for states and reasons on the wire and in the database.</summary>
internal static class RolloutWords
{
    private static readonly string[] Holds =
    [
        "in-trial", "other-deployment", "protection", "no-build", "up-to-date", "below-floor", "needs-step", "not-started", "paused", "wave-not-open",
        "outside-window", "rate", "weak-signal",
    ];

    public static string Of(RolloutHold reason) => Holds[(int)reason];

    public static string Of(RolloutTarget target) => target.ToString().ToLowerInvariant();

    public static string Of(RolloutState state) => state.ToString().ToLowerInvariant();
}
