using Ota.Server.Devices;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Rollouts;

/// <summary>Whom a rollout is for.</summary>
public enum RolloutTarget
{
    Device,
    Group,
    All,
}

/// <summary>Where a rollout stands; docs/states.md has what leads to each.</summary>
public enum RolloutState
{
    /// <summary>Waits for its time; no wave is open.</summary>
    Scheduled,
    Active,

    /// <summary>A person holds it.</summary>
    Paused,

    /// <summary>Its own rule holds it.</summary>
    Stopped,

    /// <summary>Brings devices back to what they ran before.</summary>
    Returning,
    Returned,

    /// <summary>Nobody it is for is left; it goes on for who comes later, and is no longer watched.</summary>
    Completed,
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
    DateTimeOffset? Ended)
{
    public RolloutPlan Plan { get; init; } = RolloutPlan.AtOnce;

    /// <summary>The open one, counted from 1; 0 before the start.</summary>
    public int Wave { get; init; } = 1;

    public DateTimeOffset Starts { get; init; } = Created;

    /// <summary>When its wave was opened or its state last changed, whichever was later.</summary>
    public DateTimeOffset Changed { get; init; } = Created;

    /// <summary>When somebody resumed it although it had stopped itself: what failed before no longer counts. Null for never.</summary>
    public DateTimeOffset? Forgiven { get; init; }

    /// <summary>Why it is in its state, where a person or a rule gave a reason.</summary>
    public string? StateReason { get; init; }

    /// <summary>True while devices may be let in.</summary>
    public bool IsOpen => State is RolloutState.Active or RolloutState.Completed;

    /// <summary>True while no order of it is handed out, though it may go on.</summary>
    public bool IsHeld => State is RolloutState.Paused or RolloutState.Stopped;

    /// <summary>True when nothing of it happens any more.</summary>
    public bool IsOver => State is RolloutState.Aborted or RolloutState.Returned;
}
