using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Releases;

namespace Ota.Server.Deployments;

/// <summary>Gives single devices their deployments and takes them back. Disk first, then memory, under the device's lock.</summary>
internal sealed class DeploymentDesk(Fleet fleet, Database database, TimeProvider time)
{
    /// <summary>
    /// Orders a release for one device, in place of what it has not begun to install; null when it is in the middle of an installation, or
    /// the release was withdrawn this moment.
    /// </summary>
    public async Task<Deployment?> OrderAsync(Device device, Release release, string who, CancellationToken cancellation)
    {
        using var held = await fleet.LockAsync(device, cancellation);
        var before = device.Open;
        if (before is not null && !before.State.CanBeCalledOff())
            return null;
        var now = Now();
        var ordered = await database.WriteAsync(
            connection =>
            {
                var deployment = new Deployment(
                    Counters.Next(connection, Counters.Instruction), Rollout: null, device.Id, device.Product, release.Id,
                    DeploymentState.Ordered, Detail: null, now, who, Offered: null, Ended: null, OrderNumber: 0,
                    DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);
                if (!DeploymentTable.MayBegin(connection, deployment))
                    return null;
                if (before is not null)
                {
                    DeploymentTable.Update(connection, before with
                    {
                        State = DeploymentState.Superseded, Detail = $"by deployment {deployment.Id}", Ended = now,
                    });
                }

                DeploymentTable.Insert(connection, deployment);
                SaveDecision(connection, device, deployment.Id, DeploymentState.Ordered);
                var at = now.ToUnixTimeMilliseconds();
                Timeline.Append(connection, device.Id, at, "ordered", $"{release.Version} ordered (deployment {deployment.Id})", who);
                AuditLog.Append(connection, at, who, "deployment.order", device.Id, $"{release.Product} {release.Version}");
                return deployment;
            },
            cancellation);
        if (ordered is null)
            return null;
        device.Open = ordered;
        device.Instruction = ordered.Id;
        device.State = DeploymentWords.Of(ordered.State);
        return ordered;
    }

    /// <summary>Ends an open deployment that its device has not begun to install; null when it has, or when it is over.</summary>
    public async Task<Deployment?> CallOffAsync(
        Deployment deployment, DeploymentState state, string? reason, string who, CancellationToken cancellation)
    {
        if (fleet.Find(deployment.Device) is not { } device)
            return null;
        using var held = await fleet.LockAsync(device, cancellation);
        if (device.Open is not { } open || open.Id != deployment.Id || !open.State.CanBeCalledOff())
            return null;
        var now = Now();
        var ended = open with { State = state, Detail = reason, Ended = now };
        await database.WriteAsync(
            connection =>
            {
                DeploymentTable.Update(connection, ended);
                SaveDecision(connection, device, device.Instruction, state);
                var at = now.ToUnixTimeMilliseconds();
                var word = DeploymentWords.Of(state);
                Timeline.Append(
                    connection, device.Id, at, word, $"Deployment {ended.Id} {word}" + (reason is null ? "" : ": " + reason), who);
                AuditLog.Append(connection, at, who, "deployment." + word, device.Id, ended.Id.ToString(CultureInfo.InvariantCulture));
            },
            cancellation);
        device.Open = null;
        device.State = DeploymentWords.Of(state);
        return ended;
    }

    /// <summary>Ends every open deployment of a withdrawn release that is not yet being installed.</summary>
    public async Task CallOffAsync(Release release, string who, CancellationToken cancellation)
    {
        foreach (var open in OpenWhere(open => open.Release == release.Id))
            await CallOffAsync(open, DeploymentState.Withdrawn, "the release was withdrawn", who, cancellation);
    }

    /// <summary>Ends every open deployment of an aborted rollout that is not yet being installed.</summary>
    public async Task CallOffAsync(long rollout, string who, CancellationToken cancellation)
    {
        foreach (var open in OpenWhere(open => open.Rollout == rollout))
            await CallOffAsync(open, DeploymentState.Cancelled, $"rollout {rollout} was aborted", who, cancellation);
    }

    private Deployment[] OpenWhere(Func<Deployment, bool> wanted) =>
        [.. fleet.All.Select(device => device.Open).OfType<Deployment>().Where(wanted)];

    private static void SaveDecision(SqliteConnection connection, Device device, long instruction, DeploymentState state) =>
        connection.Execute(
            DeviceTable.DecidedSql, new { device.Id, device.OrderNumber, Instruction = instruction, State = DeploymentWords.Of(state) });

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
}
