using System.Data.Common;
using Dapper;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Devices;

/// <summary>The one statement that writes many devices' last check-ins, beside the one that writes them one by one.</summary>
public sealed class HeardBatchTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 3, 2, 1, TimeSpan.Zero);
    private PostgresDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = new PostgresDatabase(await PostgreSql.Instance.NewDatabaseAsync());

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_batch_leaves_the_same_rows_as_one_after_the_other()
    {
        Heard[] said = [Said(1), Said(2) with { Generation = 2 }, Said(3), Said(4)];
        var (alone, batch) = (Ids("alone", said.Length), Ids("batch", said.Length));
        await _database.WriteAsync(connection => Enroll(connection, [.. alone, .. batch]), CancellationToken.None);

        foreach (var (id, heard) in alone.Zip(said))
            await _database.WriteAsync(connection => DeviceTable.WriteHeard(connection, id, heard), CancellationToken.None);
        await _database.WriteAsync(connection => HeardBatch.Write(connection, [.. batch.Zip(said)]), CancellationToken.None);

        var rows = Rows();
        Assert.Equal(alone.Select(id => rows[id]), batch.Select(id => rows[id]));
        Assert.Equal(said[2].CheckIn.Rssi, rows["batch2"].Rssi);
        Assert.Null(rows["batch1"].LastSeen);
    }

    [Fact]
    public async Task What_another_server_heard_since_is_not_written_over()
    {
        await _database.WriteAsync(connection => Enroll(connection, ["newer", "older"]), CancellationToken.None);
        await _database.WriteAsync(connection => DeviceTable.WriteHeard(connection, "newer", Said(60)), CancellationToken.None);
        await _database.WriteAsync(connection => HeardBatch.Write(connection, [("newer", Said(30)), ("older", Said(30))]), CancellationToken.None);
        Assert.Equal((Said(60).At.ToUnixTimeMilliseconds(), Said(30).At.ToUnixTimeMilliseconds()), (Rows()["newer"].LastSeen, Rows()["older"].LastSeen));

        await _database.WriteAsync(connection => HeardBatch.Write(connection, [("newer", Said(90))]), CancellationToken.None);
        Assert.Equal(Said(90).At.ToUnixTimeMilliseconds(), Rows()["newer"].LastSeen);
    }

    private static string[] Ids(string name, int count) => [.. Enumerable.Range(0, count).Select(number => name + number)];

    // No two alike in any field, and every second one without what need not be said.
    private static Heard Said(int number) => new(
        new CheckIn(
            $"1.{number}.0",
            number % 2 == 0 ? null : $"release {number}",
            number % 2 == 0 ? SlotState.Trial : SlotState.Confirmed,
            SecurityCounter: number,
            LastOrder: 10 + number,
            Cleared: 0,
            KeyCounter: 0,
            new Restart("watchdog", 20 + number, 30 + number),
            Uptime: 40 + number,
            Rssi: -50 - number,
            FreeMemory: 60_000 + number,
            "esp32"),
        Now.AddSeconds(number),
        Now.AddSeconds(number).AddHours(6),
        Generation: 1);

    private static void Enroll(DbConnection connection, IEnumerable<string> ids)
    {
        connection.Execute("INSERT INTO products (name, hardware, poll, enrollment_generation, key_counter, created, created_by) VALUES ('kettle', '[]', 'nightly', 1, 0, 0, 'a test')");
        foreach (var id in ids)
        {
            connection.Execute(DeviceTable.InsertSql, new
            {
                Id = id, Product = "kettle", HardwareId = id, Hardware = "esp32", Enrolled = 1L, Running = "0.0.0", Dialect = (string?)null,
                Protection = (string?)null,
            });
        }
    }

    // All but what names it.
    private Dictionary<string, (string, string?, string, long, long, long? LastSeen, long?, string?, long, long, long, long Rssi, long)> Rows() =>
        _database.Read(connection => DeviceTable.All(connection).ToDictionary(
            row => row.Id,
            row => (row.Running, row.Release, row.Slot, row.SecurityCounter, row.LastOrder, row.LastSeen, row.NextCheckIn, row.RestartCause,
                row.RestartAt, row.Restarts, row.Uptime, row.Rssi, row.FreeMemory)));
}
