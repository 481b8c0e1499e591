using System.Data.Common;
using System.Globalization;
using Dapper;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Pins;
using Ota.Server.Releases;

namespace Ota.Server.Deployments;

/// <summary>What came of arming a recovery or a decommission.</summary>
internal enum ArmOutcome
{
    Armed,
    AlreadyArmed,

    /// <summary>The device has taken the other of the two.</summary>
    Busy,

    /// <summary>It was decommissioned and has no identity.</summary>
    Gone,

    /// <summary>More in this hour than one person should be able to order by mistake.</summary>
    TooMany,

    /// <summary>The recovery build was withdrawn this moment.</summary>
    Withdrawn,
}

/// <summary>Gives single devices their deployments and takes them back. Disk first, then memory, under the device's lock.</summary>
internal sealed class DeploymentDesk(Fleet fleet, Database database, SystemPinWriter pins, TimeProvider time)
{
    /// <summary>
    /// Orders a release for one device, in place of what it has not begun to install; null when it is in the middle of an installation, or
    /// the release was withdrawn this moment.
    /// </summary>
    public async Task<Deployment?> OrderAsync(Device device, Release release, string who, CancellationToken cancellation)
    {
        using var held = await fleet.LockAsync(device, cancellation);
        if ((device.Open is { CanBeReplaced: false } open && !IsOnlyFetched(device, open)) || device.Decommissioned is not null)
            return null;
        return await BeginAsync(
            device, Draft(device, release.Id, who), $"{release.Version} ordered", $"{release.Product} {release.Version}", _ => true, cancellation);
    }

    // Nobody knows whether a client that tells nothing of it installs what it fetched; whatever it runs when it asks, it is handed the later one.
    private static bool IsOnlyFetched(Device device, Deployment open) =>
        open is { Action: DeploymentAction.Install, State: DeploymentState.Downloaded } && device.Client is { Dialect.Reports: false };

    /// <summary>
    /// Arms a recovery or a decommission, before whatever else the device was to do; an installation that it is in the middle of ends by
    /// itself. Asked for twice it is armed once.
    /// </summary>
    /// <param name="asked">Its action, release, reason, deadline and group.</param>
    /// <param name="mostInAnHour">How many may be armed in an hour, this one included.</param>
    public async Task<(ArmOutcome Outcome, Deployment? There)> ArmAsync(
        Device device, Deployment asked, long mostInAnHour, CancellationToken cancellation)
    {
        using var held = await fleet.LockAsync(device, cancellation);
        if (device.Decommissioned is { } over)
            return (ArmOutcome.Gone, over);
        if (device.Open is { Action: not DeploymentAction.Install } open && (open.Action == asked.Action || !open.CanBeCalledOff))
            return (open.Action == asked.Action ? ArmOutcome.AlreadyArmed : ArmOutcome.Busy, open);
        var word = asked.Action == DeploymentAction.Recover ? "Recovery" : "Decommission";
        var tooMany = false;
        var armed = await BeginAsync(
            device,
            asked with { Created = Now() },
            $"{word} ordered: {asked.Reason}",
            asked.Reason,
            connection => !(tooMany = DeploymentTable.ArmedSince(connection, Now().AddHours(-1)) >= mostInAnHour),
            cancellation);
        return (tooMany ? ArmOutcome.TooMany : armed is null ? ArmOutcome.Withdrawn : ArmOutcome.Armed, armed);
    }

    /// <summary>A deployment for this device alone, not yet written.</summary>
    public Deployment Draft(Device device, string? release, string who) => new(
        Id: 0, Rollout: null, device.Id, device.Product, release, DeploymentState.Ordered, Detail: null, Now(), who,
        Offered: null, Ended: null, OrderNumber: 0, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);

    /// <summary>Gives up every recovery and decommission whose time is over and that its device has not taken.</summary>
    public async Task ExpireAsync(CancellationToken cancellation)
    {
        var now = Now();
        foreach (var late in OpenWhere(open => open.Deadline <= now && open.CanBeCalledOff))
            await StaleException.RetryAsync(() => CallOffAsync(late, DeploymentState.Expired, reason: null, "server", cancellation));
    }

    // Under the device's lock.
    private async Task<Deployment?> BeginAsync(
        Device device, Deployment draft, string text, string? detail, Func<DbConnection, bool> allows, CancellationToken cancellation)
    {
        var (before, now) = (device.Open, Now());
        var begun = await database.WriteAsync(
            connection =>
            {
                if (!allows(connection))
                    return null;
                var deployment = draft with { Id = Counters.Next(connection, Counters.Instruction) };
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
                SaveDecision(connection, device, deployment.Id, DeploymentWords.Shown(deployment));
                var at = now.ToUnixTimeMilliseconds();
                Timeline.Append(
                    connection, device.Id, at, DeploymentWords.Shown(deployment), $"{text} (deployment {deployment.Id})", deployment.CreatedBy);
                AuditLog.Append(connection, at, deployment.CreatedBy, AuditedAs(deployment.Action), device.Id, detail);
                return deployment;
            },
            cancellation,
            device.Basis);
        if (begun is null)
            return null;
        device.Open = begun;
        device.Instruction = begun.Id;
        device.State = DeploymentWords.Shown(begun);
        pins.Moved(device, begun);
        return begun;
    }

    private static string AuditedAs(DeploymentAction action) =>
        action == DeploymentAction.Install ? "deployment.order" : "device." + DeploymentWords.Of(action);

    /// <summary>Ends an open deployment that its device has not begun to install; null when it has, or when it is over.</summary>
    public async Task<Deployment?> CallOffAsync(
        Deployment deployment, DeploymentState state, string? reason, string who, CancellationToken cancellation)
    {
        if (fleet.Find(deployment.Device) is not { } device)
            return null;
        using var held = await fleet.LockAsync(device, cancellation);
        if (device.Open is not { } open || open.Id != deployment.Id || !open.CanBeCalledOff
            // What a client without orders was handed it may run any moment.
            || (state == DeploymentState.Cancelled && open is { IsTwoStep: true, State: not DeploymentState.Ordered }))
            return null;
        var now = Now();
        var ended = open with { State = state, Detail = reason, Ended = now };
        await database.WriteAsync(
            connection =>
            {
                DeploymentTable.Update(connection, ended);
                Decommission.Write(connection, ended);
                var word = DeploymentWords.Shown(ended);
                SaveDecision(connection, device, device.Instruction, word);
                var at = now.ToUnixTimeMilliseconds();
                Timeline.Append(
                    connection, device.Id, at, word, $"Deployment {ended.Id} {word}" + (reason is null ? "" : ": " + reason), who);
                AuditLog.Append(connection, at, who, "deployment." + word, device.Id, ended.Id.ToString(CultureInfo.InvariantCulture));
            },
            cancellation,
            device.Basis);
        device.Open = null;
        device.State = DeploymentWords.Shown(ended);
        Decommission.Apply(device, ended);
        pins.Moved(device, ended);
        return ended;
    }

    /// <summary>Ends every open deployment of a withdrawn release that is not yet being installed.</summary>
    public async Task CallOffAsync(Release release, string who, CancellationToken cancellation)
    {
        foreach (var open in OpenWhere(open => open.Release == release.Id))
            await CallOffAsync(open, DeploymentState.Withdrawn, "the release was withdrawn", who, cancellation);
    }

    /// <summary>Ends every open deployment of a rollout that is not yet being installed; those that bring a device back go on.</summary>
    /// <param name="what">What became of the rollout.</param>
    public async Task CallOffAsync(long rollout, string what, string who, CancellationToken cancellation)
    {
        foreach (var open in OpenWhere(open => open.Rollout == rollout && open.Purpose != DeploymentPurpose.Return))
            await CallOffAsync(open, DeploymentState.Cancelled, $"rollout {rollout} {what}", who, cancellation);
    }

    private Deployment[] OpenWhere(Func<Deployment, bool> wanted) =>
        [.. fleet.All.Select(device => device.Open).OfType<Deployment>().Where(wanted)];

    private static void SaveDecision(DbConnection connection, Device device, long instruction, string state) =>
        connection.Execute(DeviceTable.DecidedSql, new { device.Id, device.OrderNumber, Instruction = instruction, State = state });

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
}
