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
}

/// <summary>What may follow what. Pure.</summary>
public static class DeploymentProgress
{
    /// <summary>True when nothing more will happen.</summary>
    public static bool IsOver(this DeploymentState state) => state >= DeploymentState.Confirmed;

    /// <summary>True while the device may be told to forget it: it has not begun to start the new image.</summary>
    public static bool CanBeCalledOff(this DeploymentState state) => state < DeploymentState.Downloaded;

    /// <summary>
    /// The state after a device's report, or null when the report changes nothing. A report never confirms: only a check-in
    /// from the new image does. Late reports of earlier steps change nothing either, as batches may cross.
    /// </summary>
    public static DeploymentState? AfterReport(DeploymentState state, string reported)
    {
        DeploymentState? next = reported switch
        {
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
