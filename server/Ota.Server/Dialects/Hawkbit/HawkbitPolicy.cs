using Ota.Server.CheckIns;
using Ota.Server.Deployments;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>What a client's poll shows it.</summary>
internal enum HawkbitWork
{
    None,

    /// <summary>An action to fetch and install.</summary>
    Deploy,

    /// <summary>It is done with the action; what it runs is still to be told.</summary>
    Tell,
}

/// <summary>How deployments are hawkBit's actions, and what a client that asks is in the middle of. Pure.</summary>
internal static class HawkbitPolicy
{
    /// <summary>For so long a client that is done may still say the version from before, as it has yet to restart.</summary>
    public static readonly TimeSpan ToRestart = TimeSpan.FromDays(1);

    /// <summary>For so long a recovery waits for a word that its build ran.</summary>
    public static readonly TimeSpan ToRecover = TimeSpan.FromDays(7);

    /// <summary>After so long a client without work is asked again what it is.</summary>
    public static readonly TimeSpan ToTellAgain = TimeSpan.FromDays(1);

    /// <summary>Two numbers for each deployment: the second is the way back from a recovery, which is an action of its own to the client.</summary>
    public static long ActionOf(Deployment deployment) =>
        2 * deployment.Id + (deployment is { IsTwoStep: true, State: DeploymentState.AwaitingReturn } ? 1 : 0);

    public static long DeploymentOf(long action) => action / 2;

    /// <summary>The release that the open action is about.</summary>
    public static string? ReleaseOf(Deployment deployment) =>
        deployment is { IsTwoStep: true, State: DeploymentState.AwaitingReturn } ? deployment.Returns : deployment.Release;

    /// <summary>
    /// True while a poll says nothing of how the action goes: a client polls while it installs and before it restarts. One that is done and tells no
    /// version will not say more.
    /// </summary>
    /// <param name="tells">Whether it says anywhere which version it runs.</param>
    public static bool IsBusy(Deployment? open, ClientNote note, DateTimeOffset now, Telling tells) => open switch
    {
        { State: DeploymentState.Trial } => tells == Telling.Version,
        { State: DeploymentState.Downloaded } when IsDone(open, note) && tells == Telling.Nothing => false,
        { State: DeploymentState.Downloaded, IsTwoStep: var isTwoStep } => now - note.At < (isTwoStep ? ToRecover : ToRestart),
        _ => false,
    };

    /// <summary>Whether a client may be done with the open action: with a step of a recovery only after it has fetched all of it.</summary>
    public static bool MayBeDone(Deployment open) =>
        !open.IsTwoStep || open is { State: DeploymentState.Downloaded } or { State: DeploymentState.AwaitingReturn, Fetches: > 0 };

    /// <summary>True when the client said that it is done with the open action.</summary>
    public static bool IsDone(Deployment open, ClientNote note) => note.Closed == ActionOf(open);

    /// <summary>Whether a client has gone back: it was done with an installation long ago and says another version.</summary>
    public static bool HasReverted(Deployment? open, ClientNote note, DateTimeOffset now, Telling tells) =>
        open is { State: DeploymentState.Trial } && tells == Telling.Version && now - note.At >= ToRestart;

    /// <param name="handed">Id of the release that it has just been handed; null for none.</param>
    public static HawkbitWork WorkOf(Deployment? open, ClientNote note, string? handed) => open switch
    {
        null => HawkbitWork.None,
        _ when IsDone(open, note) => HawkbitWork.Tell,
        // A download that is whole may have to be installed again, unless it clears credentials.
        _ when handed is not null || open is { State: DeploymentState.Downloaded, IsTwoStep: false } => HawkbitWork.Deploy,
        _ => HawkbitWork.None,
    };

    /// <summary>Whether a client is asked for its attributes. SWUpdate does nothing else while it is.</summary>
    public static bool WantsAttributes(Deployment? open, ClientNote note, DateTimeOffset now) =>
        note.Told == DateTimeOffset.UnixEpoch || (open is null ? now - note.Told >= ToTellAgain : IsDone(open, note));
}
