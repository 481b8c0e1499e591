using System.Buffers.Text;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Ota.Benchmarks;

/// <summary>
/// Fills a server's database, while it is stopped, with copies of one of its devices that has checked in, each with an id and a hardware id of its
/// own. What a device's token is follows from the master secret.
/// </summary>
internal sealed class MillionDevices(string data, string? database)
{
    public const int Count = 1_000_000;

    /// <summary>As many as are missing from the million; how many that were.</summary>
    public int Fill(string template)
    {
        using DbConnection connection = database is null
            ? new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(data, "ota.db"), Pooling = false }.ToString())
            : new NpgsqlConnection(database + ";Pooling=false;CommandTimeout=0");
        connection.Open();
        // Nobody is listening who would have to be told of each.
        Execute(connection, database is null ? "PRAGMA foreign_keys = OFF" : "SET session_replication_role = replica");
        var missing = Count - (int)(long)Execute(connection, "SELECT count(*) FROM devices")!;
        var columns = Columns(connection);
        var values = columns.Select(column => column switch
        {
            // In no order, as real ones.
            "id" => $"'b' || CAST(10000000000 + (n * 7919) % {missing} AS text)",
            "hardware_id" => "'24:6f:' || CAST(10000000000 + n AS text)",
            _ => "t." + column,
        });
        var sql =
            $"""
            WITH RECURSIVE numbers (n) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {missing})
            INSERT INTO devices ({string.Join(", ", columns)})
            SELECT {string.Join(", ", values)} FROM numbers CROSS JOIN (SELECT * FROM devices WHERE id = @template) t
            """;
        Execute(connection, sql, template);
        Execute(connection, "ANALYZE devices");
        if (database is null)
            Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        return missing;
    }

    /// <summary>Authorization of so many of them, evenly spread.</summary>
    public IEnumerable<string> Tokens(int missing, int wanted)
    {
        var master = Convert.FromHexString(File.ReadAllText(Path.Combine(data, "master.key")).Trim());
        for (var i = 0; i < wanted; i++)
        {
            var id = $"b{10_000_000_000 + (long)i * missing / wanted}";
            yield return $"{id}.{Base64Url.EncodeToString(HMACSHA256.HashData(master, Encoding.ASCII.GetBytes($"token\0{id}\01")))}";
        }
    }

    private static string[] Columns(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT * FROM devices LIMIT 0";
        using var reader = command.ExecuteReader();
        return [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
    }

    private static object? Execute(DbConnection connection, string sql, string? template = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 0;
        if (template is not null)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ("@template", template);
            command.Parameters.Add(parameter);
        }

        return command.ExecuteScalar();
    }
}
