using System.Data.Common;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Products;

namespace Ota.Server.Devices;

/// <summary>The rows of devices.</summary>
internal static class DeviceTable
{
    // DeviceRow.Of reads the columns in this order.
    public const string AllSql =
        """
        SELECT id, product, hardware_id, hardware, group_name, generation, enrolled, checked_in, handed_over, running, release, slot,
               security_counter, last_order, order_number, instruction, state, last_seen, next_check_in, restart_cause, restart_at,
               restarts, uptime, rssi, free_memory, zone, before_running, before_release,
               dialect, protection, told_image, shut_out, tells
        FROM devices
        """;

    public const string OneSql = AllSql + " WHERE id = @id";

    public const string ByHardwareSql = "SELECT id FROM devices WHERE product = @product AND hardware_id = @hardwareId";

    // These two where several servers write, and so on PostgreSQL alone.
    public const string SomeSql = AllSql + " WHERE id = ANY(@ids)";

    public const string PositionSql = "SELECT COALESCE(max(seq), 0) FROM changes";

    public const string InsertSql =
        """
        INSERT INTO devices (id, product, hardware_id, hardware, generation, enrolled, checked_in, handed_over, running, slot, security_counter,
                             last_order, order_number, instruction, state, restart_at, restarts, uptime, rssi, free_memory, dialect,
                             protection)
        VALUES (@Id, @Product, @HardwareId, @Hardware, 1, @Enrolled, 0, 0, @Running, 'confirmed', 0, 0, 0, 0, 'enrolled', 0, 0, 0, 0, 0, @Dialect,
                @Protection)
        ON CONFLICT (product, hardware_id) DO NOTHING
        """;

    private const string HeardSql =
        """
        UPDATE devices SET checked_in = 1, running = @Running, release = @Release, slot = @Slot, security_counter = @SecurityCounter,
               last_order = @LastOrder, last_seen = @LastSeen, next_check_in = @NextCheckIn, restart_cause = @RestartCause,
               restart_at = @RestartAt, restarts = @Restarts, uptime = @Uptime, rssi = @Rssi, free_memory = @FreeMemory, tells = @Tells
        WHERE id = @Id AND generation = @Generation
        """;

    /// <summary>What the server decided about it.</summary>
    public const string DecidedSql =
        "UPDATE devices SET order_number = CASE WHEN order_number < @OrderNumber THEN @OrderNumber ELSE order_number END, instruction = @Instruction, state = @State WHERE id = @Id";

    /// <summary>What it ran before.</summary>
    public const string BeforeSql = "UPDATE devices SET before_running = @Running, before_release = @Release WHERE id = @Id";

    /// <summary>What a client that is not ours said of its image, and whether it is given nothing.</summary>
    public const string ClientSql = "UPDATE devices SET told_image = @ToldImage, shut_out = @ShutOut WHERE id = @Id";

    /// <summary>
    /// What a check-in says; written behind when nothing hangs on it, with the decision when something does. What an earlier generation
    /// said is not written over what a later one has yet to say.
    /// </summary>
    public static void WriteHeard(DbConnection connection, string device, Heard heard) =>
        connection.ExecuteKept(
            HeardSql,
            ("@Id", device),
            ("@Generation", heard.Generation),
            ("@Running", heard.CheckIn.Running),
            ("@Release", heard.CheckIn.Release),
            ("@Slot", heard.CheckIn.Slot.Word()),
            ("@SecurityCounter", heard.CheckIn.SecurityCounter),
            ("@LastOrder", heard.CheckIn.LastOrder),
            ("@LastSeen", heard.At.ToUnixTimeMilliseconds()),
            ("@NextCheckIn", heard.Next.ToUnixTimeMilliseconds()),
            ("@RestartCause", heard.CheckIn.Restart.Cause),
            ("@RestartAt", heard.CheckIn.Restart.At),
            ("@Restarts", heard.CheckIn.Restart.Count),
            ("@Uptime", heard.CheckIn.Uptime),
            ("@Rssi", heard.CheckIn.Rssi),
            ("@FreeMemory", heard.CheckIn.FreeMemory),
            ("@Tells", (long)heard.CheckIn.Tells));

    /// <summary>Every row, one after the other and by hand: a mapper takes as long as the database.</summary>
    public static IEnumerable<DeviceRow> All(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = AllSql;
        using var rows = command.ExecuteReader();
        while (rows.Read())
            yield return DeviceRow.Of(rows);
    }
}
