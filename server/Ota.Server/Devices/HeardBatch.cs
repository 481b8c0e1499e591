using System.Data.Common;
using Ota.Server.CheckIns;
using Ota.Server.Data;

namespace Ota.Server.Devices;

/// <summary>
/// What a batch of devices said at their last check-ins, in one statement. On PostgreSQL, where each statement is a round trip and others wait for
/// their commit meanwhile; on SQLite rows one by one are as fast.
/// </summary>
internal static class HeardBatch
{
    // Another server may have heard a device since, while this one could not write. Columns and types as in the devices table.
    private const string Sql =
        """
        UPDATE devices SET checked_in = 1, running = heard.running, release = heard.release, slot = heard.slot,
               security_counter = heard.security_counter, last_order = heard.last_order, last_seen = heard.last_seen,
               next_check_in = heard.next_check_in, restart_cause = heard.restart_cause, restart_at = heard.restart_at, restarts = heard.restarts,
               uptime = heard.uptime, rssi = heard.rssi, free_memory = heard.free_memory, tells = heard.tells
        FROM unnest(@Ids, @Generations, @Running, @Releases, @Slots, @SecurityCounters, @LastOrders, @LastSeen, @NextCheckIns, @RestartCauses,
                    @RestartsAt, @Restarts, @Uptimes, @Rssi, @FreeMemory, @Tells)
             AS heard (id, generation, running, release, slot, security_counter, last_order, last_seen, next_check_in, restart_cause,
                       restart_at, restarts, uptime, rssi, free_memory, tells)
        WHERE devices.id = heard.id AND devices.generation = heard.generation
              AND (devices.last_seen IS NULL OR devices.last_seen < heard.last_seen)
        """;

    public static void Write(DbConnection connection, IReadOnlyList<(string Device, Heard Heard)> batch)
    {
        connection.ExecuteKept(
            Sql,
            ("@Ids", batch.Select(one => one.Device).ToArray()),
            ("@Generations", Of(heard => heard.Generation)),
            ("@Running", Of(heard => heard.CheckIn.Running)),
            ("@Releases", Of(heard => heard.CheckIn.Release)),
            ("@Slots", Of(heard => heard.CheckIn.Slot.Word())),
            ("@SecurityCounters", Of(heard => (long)heard.CheckIn.SecurityCounter)),
            ("@LastOrders", Of(heard => heard.CheckIn.LastOrder)),
            ("@LastSeen", Of(heard => heard.At.ToUnixTimeMilliseconds())),
            ("@NextCheckIns", Of(heard => heard.Next.ToUnixTimeMilliseconds())),
            ("@RestartCauses", Of(heard => heard.CheckIn.Restart.Cause)),
            ("@RestartsAt", Of(heard => heard.CheckIn.Restart.At)),
            ("@Restarts", Of(heard => (long)heard.CheckIn.Restart.Count)),
            ("@Uptimes", Of(heard => heard.CheckIn.Uptime)),
            ("@Rssi", Of(heard => (long)heard.CheckIn.Rssi)),
            ("@FreeMemory", Of(heard => heard.CheckIn.FreeMemory)),
            ("@Tells", Of(heard => (long)heard.CheckIn.Tells)));

        T[] Of<T>(Func<Heard, T> value) => [.. batch.Select(one => value(one.Heard))];
    }
}
