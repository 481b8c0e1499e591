using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Tests.Rollouts.Filters;

/// <summary>
/// A real table of devices: on SQLite that of the migrations, filled by the server's own statements; on PostgreSQL one
/// of the same columns, filled from it. Both have the two columns that filters need besides.
/// </summary>
internal sealed class ADeviceTable(DbConnection connection) : IAsyncDisposable
{
    private const string NewColumnsSql =
        "ALTER TABLE devices ADD COLUMN version_key text; ALTER TABLE devices ADD COLUMN plain_name text";

    private const string ProductSql =
        """
        INSERT INTO products (name, hardware, poll, enrollment_generation, key_counter, created, created_by)
        VALUES ('kettle', '[]', '', 1, 0, 0, '')
        """;

    // Gone with its connection. The locale is Danish, whose letters do not sort byte by byte.
    private const string PostgreSqlTable =
        """
        CREATE TEMPORARY TABLE devices (
            id text PRIMARY KEY, product text, hardware_id text, hardware text, group_name text, generation bigint,
            enrolled bigint, checked_in bigint, handed_over bigint, running text, release text, slot text,
            security_counter bigint, last_order bigint, order_number bigint, instruction bigint, state text,
            last_seen bigint, next_check_in bigint, restart_cause text, restart_at bigint, restarts bigint,
            uptime bigint, rssi bigint, free_memory bigint, zone text, before_running text, before_release text,
            dialect text, protection text, told_image text, shut_out bigint NOT NULL DEFAULT 0, tells bigint NOT NULL DEFAULT 0, version_key text, plain_name text)
        """;

    private const string DetailsSql =
        """
        UPDATE devices SET group_name = @Group, state = @State, version_key = @versionKey, plain_name = @PlainName
        WHERE id = @Id
        """;

    private const string CopySql =
        """
        INSERT INTO devices (id, product, hardware_id, hardware, group_name, enrolled, running, slot, security_counter,
                             state, last_seen, restart_cause, restart_at, restarts, uptime, rssi, free_memory,
                             dialect, version_key, plain_name)
        VALUES (@Id, @Product, @HardwareId, @Hardware, @GroupName, @Enrolled, @Running, @Slot, @SecurityCounter,
                @State, @LastSeen, @RestartCause, @RestartAt, @Restarts, @Uptime, @Rssi, @FreeMemory,
                @Dialect, @versionKey, @plainName)
        """;

    public static async Task<ADeviceTable> OnSqliteAsync(IReadOnlyCollection<ADeviceRow> rows)
    {
        SQLitePCL.Batteries_V2.Init();
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        var connection = new SqliteConnection("Data Source=:memory:");
        await connection.OpenAsync();
        Migrator.Run(connection, Dialect.Sqlite);
        await connection.ExecuteAsync(NewColumnsSql);
        await connection.ExecuteAsync(ProductSql);
        await using var transaction = await connection.BeginTransactionAsync();
        var number = 0;
        foreach (var device in rows.Select(row => row.ToDevice(AFilter.Now)))
        {
            // Hardware ids are unique in a product, and here few: each row is written under a number and then given its
            // own.
            await connection.ExecuteAsync(DeviceTable.InsertSql, new
            {
                device.Id, device.Product, HardwareId = $"{number++}", device.Hardware,
                Running = device.RunningAtEnrollment,
                Enrolled = device.Enrolled.ToUnixTimeMilliseconds(),
                Dialect = device.Client?.Dialect.Name, Protection = (string?)null,
            });
            if (device.Heard is { } heard)
                DeviceTable.WriteHeard(connection, device.Id, heard);
            var versionKey = VersionKey.Of(device.RunningAtEnrollment);
            await connection.ExecuteAsync(
                DetailsSql, new { device.Group, device.State, versionKey, device.PlainName, device.Id });
        }

        await transaction.CommitAsync();
        return new ADeviceTable(connection);
    }

    public static async Task<ADeviceTable> OnPostgreSqlAsync(
        DbConnection connection, IReadOnlyCollection<ADeviceRow> rows)
    {
        await using var source = await OnSqliteAsync(rows);
        await connection.ExecuteAsync(PostgreSqlTable);
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var row in source.Rows())
        {
            await connection.ExecuteAsync(CopySql, new
            {
                row.Id, row.Product, row.HardwareId, row.Hardware, row.GroupName, row.Enrolled, row.Running, row.Slot,
                row.SecurityCounter, row.State, row.LastSeen, row.RestartCause, row.RestartAt, row.Restarts,
                row.Uptime, row.Rssi, row.FreeMemory, row.Dialect,
                versionKey = VersionKey.Of(row.Running), plainName = source.PlainNameOf(row.Id),
            });
        }

        await transaction.CommitAsync();
        return new ADeviceTable(connection);
    }

    /// <summary>The ids a filter finds, in the order of the ids.</summary>
    public string[] Found(FilterSql sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT id FROM devices WHERE {sql.Text}";
        foreach (var (name, value) in sql.Parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        using var reader = command.ExecuteReader();
        var found = new List<string>();
        while (reader.Read())
            found.Add(reader.GetString(0));
        return [.. found.Order(StringComparer.Ordinal)];
    }

    /// <summary>Versions in the order of the database.</summary>
    public string[] VersionsInOrder() =>
        [.. connection.Query<string>("SELECT running FROM devices WHERE version_key IS NOT NULL ORDER BY version_key")];

    public long Count() => connection.ExecuteScalar<long>("SELECT count(*) FROM devices");

    /// <summary>What is in the table, as the server reads it at its start.</summary>
    public IReadOnlyList<DeviceRow> Rows() => connection.Query<DeviceRow>(DeviceTable.AllSql).AsList();

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private string? PlainNameOf(string id) =>
        connection.ExecuteScalar<string?>("SELECT plain_name FROM devices WHERE id = @id", new { id });
}
