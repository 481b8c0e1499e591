namespace Ota.Server.Deployments;

/// <summary>Where one deployment stands. The order is the order of progress; docs/states.md has the picture.</summary>
public enum DeploymentState
{
    /// <summary>Waits for the device to ask.</summary>
    Ordered,

    /// <summary>Its order was handed to the device.</summary>
    Offered,

    Accepted,
    Downloading,
    Downloaded,

    /// <summary>The device has started the new image, which has not proved itself yet.</summary>
    Trial,

    /// <summary>A recovery has cleared; the device is to ask from what it ran before.</summary>
    AwaitingReturn,

    /// <summary>The new image itself has checked in after its trial.</summary>
    Confirmed,

    /// <summary>The device fell back to what it ran before.</summary>
    Reverted,

    /// <summary>The device refused it; the detail names the check that failed.</summary>
    Refused,

    Failed,
    Cancelled,
    Withdrawn,

    /// <summary>A later instruction took its place.</summary>
    Superseded,

    /// <summary>Its time passed before the device took it.</summary>
    Expired,

    /// <summary>A client that does not say what it runs fetched all of it and asked again. Nobody knows whether it runs.</summary>
    Assumed,
}

/// <summary>What may follow what. Pure.</summary>
public static class DeploymentProgress
{
    /// <summary>True when nothing more will happen.</summary>
    public static bool IsOver(this DeploymentState state) => state >= DeploymentState.Confirmed;

    /// <summary>Ended from this side: a client that has begun with it is to be told to stop.</summary>
    public static bool IsCalledOff(this DeploymentState state) =>
        state is DeploymentState.Cancelled or DeploymentState.Withdrawn or DeploymentState.Superseded or DeploymentState.Expired;

    /// <summary>
    /// The state after a device's report, or null when the report changes nothing. A report never confirms an installation: only a
    /// check-in from the new image does. Late reports of earlier steps change nothing either, as batches may cross.
    /// </summary>
    public static DeploymentState? AfterReport(DeploymentAction action, DeploymentState state, string reported)
    {
        DeploymentState? next = reported switch
        {
            // Said before the wipe, for afterwards there is nobody left to say it.
            "accepted" when action == DeploymentAction.Decommission => DeploymentState.Confirmed,
            "confirmed" when action == DeploymentAction.Recover => DeploymentState.AwaitingReturn,
            "accepted" => DeploymentState.Accepted,
            "downloading" => DeploymentState.Downloading,
            "downloaded" => DeploymentState.Downloaded,
            "trial" => DeploymentState.Trial,
            "reverted" => DeploymentState.Reverted,
            "refused" => DeploymentState.Refused,
            "failed" => DeploymentState.Failed,
            _ => null,
        };
        if (next is null || state.IsOver() || next < state)
            return null;
        return next;
    }

    /// <summary>The words a device may report.</summary>
    public static bool IsReportable(string? reported) =>
        reported is "accepted" or "downloading" or "downloaded" or "trial" or "confirmed" or "reverted" or "refused" or "failed";
}
