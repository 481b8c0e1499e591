using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>Finds clients that are not ours and run a recovery build although no recovery of theirs is under way: nothing else would bring them back.</summary>
internal sealed class StrandedRecoveries(ReleaseCatalog releases, Database database)
{
    /// <summary>True when a client with nothing open runs a recovery build.</summary>
    public bool IsStranded(Device device, CheckIn checkIn) =>
        device is { Client: not null, Open: null } && releases.Find(checkIn.Release) is { Kind: ReleaseStatement.RecoveryKind };

    /// <summary>True when it may, as one has the version that it says: an application may have the same.</summary>
    public bool MayBeStranded(Device device, string running) =>
        device is { Client: not null, Open: null }
        && releases.ReleasesFor(device.Product, device.Hardware).Of(running).Any(release => release.Kind == ReleaseStatement.RecoveryKind);

    /// <summary>
    /// The recovery that was given up although its build runs now, if no order came after it; null when there is none, or nothing to return to.
    /// </summary>
    public Deployment? ToResume(Device device, CheckIn checkIn) =>
        checkIn.Tells == Telling.Version && MayBeStranded(device, checkIn.Running)
        && database.Read(connection => DeploymentTable.LastOf(connection, device.Id)) is { IsTwoStep: true, State: DeploymentState.Failed } last
        && releases.Find(last.Release)?.Version == checkIn.Running && releases.Find(last.Returns) is { Image.Deleted: null }
            ? last
            : null;
}
