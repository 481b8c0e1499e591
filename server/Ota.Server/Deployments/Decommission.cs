using System.Data.Common;
using Dapper;
using Ota.Server.Devices;

namespace Ota.Server.Deployments;

/// <summary>
/// How an identity ends: with the device's acknowledgement, with its asking for a new one, or when the order's time is over. The hardware and
/// its history stay; its next enrollment gets the next generation of secrets.
/// </summary>
internal static class Decommission
{
    private const string EndSql =
        "UPDATE devices SET handed_over = 1, decommission = @Id, group_name = @TransferTo WHERE id = @Device";

    private const string AllSql = "SELECT decommission FROM devices WHERE decommission IS NOT NULL";

    /// <summary>Writes what follows from an ended deployment if it is a decommission.</summary>
    public static void Write(DbConnection connection, Deployment ended)
    {
        if (Ends(ended))
            connection.Execute(EndSql, new { ended.Id, ended.TransferTo, ended.Device });
    }

    /// <summary>Memory follows the disk.</summary>
    public static void Apply(Device device, Deployment ended)
    {
        if (!Ends(ended))
            return;
        device.HandedOver = true;
        device.Decommissioned = ended;
        device.Group = ended.TransferTo;
        device.Considered = null;
    }

    /// <summary>Those whose device has no new identity yet.</summary>
    public static IReadOnlyList<Deployment> All(DbConnection connection) =>
        [.. connection.Query<long>(AllSql).AsList().Select(id => DeploymentTable.Find(connection, id)!)];

    /// <summary>The one that ended this device's identity; null while it has one.</summary>
    public static Deployment? Of(DbConnection connection, string device) =>
        connection.ExecuteScalar<long?>(AllSql + " AND id = @device", new { device }) is { } id ? DeploymentTable.Find(connection, id) : null;

    // One that staff took back, or that was replaced, ended nothing.
    private static bool Ends(Deployment ended) =>
        ended is { Action: DeploymentAction.Decommission, State: DeploymentState.Confirmed or DeploymentState.Expired };
}
