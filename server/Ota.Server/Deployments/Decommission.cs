using Dapper;
using Microsoft.Data.Sqlite;
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
    public static void Write(SqliteConnection connection, Deployment ended)
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
    public static IReadOnlyList<Deployment> All(SqliteConnection connection) =>
        [.. connection.Query<long>(AllSql).AsList().Select(id => DeploymentTable.Find(connection, id)!)];

    // One that staff took back, or that was replaced, ended nothing.
    private static bool Ends(Deployment ended) =>
        ended is { Action: DeploymentAction.Decommission, State: DeploymentState.Confirmed or DeploymentState.Expired };
}
