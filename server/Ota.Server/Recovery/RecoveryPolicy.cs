using System.Globalization;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;

namespace Ota.Server.Recovery;

/// <summary>Decides what a check-in proves about a recovery or a decommission. Pure: no clock, no database, no HTTP.</summary>
public static class RecoveryPolicy
{
    /// <summary>
    /// What a check-in proves, or null when nothing. A recovery is over when the device asks again from what it ran before; that it
    /// cleared is proved by its report or by the number it says it cleared for, whichever arrives.
    /// </summary>
    /// <param name="highestOrder">The highest number this server remembers having handed to the device.</param>
    public static Observation? Observe(CheckIn checkIn, Deployment open, long highestOrder)
    {
        // Only a server that lost its memory meets this. It may have been this very recovery: doing it again would take the next owner's
        // network, leaving it undone costs a person one more look.
        if (checkIn.Cleared > highestOrder)
        {
            return new Observation(DeploymentState.Failed, string.Create(
                CultureInfo.InvariantCulture,
                $"it cleared for order {checkIn.Cleared}, which this server does not remember (restored from a backup?); order it anew if it is still wanted"));
        }

        var hasCleared = open.State == DeploymentState.AwaitingReturn
            || (open.FirstOrder > 0 && checkIn.Cleared >= open.FirstOrder);
        if (open.Action != DeploymentAction.Recover || !hasCleared || checkIn.Slot == SlotState.Trial)
            return null;
        return checkIn.Release == open.Returns
            ? new Observation(DeploymentState.Confirmed, null)
            : new Observation(DeploymentState.Failed, $"it cleared, but came back on {checkIn.Running}");
    }
}
