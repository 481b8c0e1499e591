using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>Finds clients that are not ours and run a recovery build although no recovery of theirs is under way: nothing else would bring them back.</summary>
internal sealed class StrandedRecoveries(ReleaseCatalog releases, Database database)
{
    /// <summary>True when it says that it runs a recovery build and is told nothing.</summary>
    public bool IsStranded(Device device, CheckIn checkIn) =>
        device is { Client: not null, Open: null }
        && releases.ReleasesFor(device.Product, device.Hardware).Of(checkIn.Running).Any(release => release.Kind == ReleaseStatement.RecoveryKind);

    /// <summary>The recovery that was given up too soon for a unit which is stranded; null when there is none, or nothing to return it to.</summary>
    public Deployment? ToResume(Device device, CheckIn checkIn) =>
        checkIn.Tells == Telling.Version && IsStranded(device, checkIn)
        && database.Read(connection => DeploymentTable.LastRecovery(connection, device.Id)) is { IsTwoStep: true, State: DeploymentState.Failed } last
        && releases.Find(last.Release)?.Version == checkIn.Running && releases.Find(last.Returns) is { Image.Deleted: null }
            ? last
            : null;
}
