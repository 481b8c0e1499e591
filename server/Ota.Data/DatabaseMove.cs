using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;

namespace Ota.Server.Data;

/// <summary>What a table came to.</summary>
/// <param name="Digest">Of all its rows in any order, hex; the same on both sides.</param>
internal sealed record MovedTable(string Name, long Rows, string Digest);

/// <summary>The move cannot be, or was not whole; the message says why. Nothing was left behind in the target.</summary>
internal sealed class MoveException(string message) : Exception(message);

/// <summary>
/// Copies an embedded database to an empty PostgreSQL, in one transaction, and looks whether the same rows are there: as many in each table, and
/// with the same digest. The source is only read.
/// </summary>
internal static class DatabaseMove
{
    private const string TablesSql =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations' ORDER BY name";

    private const string ParentsSql = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(@table)";

    private const string ColumnsSql =
        """
        SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = @table ORDER BY ordinal_position
        """;

    // A sum that does not depend on the order of rows, as the two databases sort text differently.
    private const int DigestSize = 16;

    /// <param name="source">Path of the SQLite file; no server may run on it.</param>
    /// <param name="told">Called with each table once it was copied.</param>
    /// <exception cref="MoveException">It cannot be, or was not whole.</exception>
    /// <exception cref="NpgsqlException">The target does not answer, or refused.</exception>
    public static IReadOnlyList<MovedTable> Run(string source, string target, Action<MovedTable> told)
    {
        SQLitePCL.Batteries_V2.Init();
        using var from = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = source, Pooling = false }.ToString());
        using var to = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(target) { Pooling = false, CommandTimeout = 0 }.ToString());
        from.Open();
        to.Open();

        // Both as this version has them, so that the same tables stand on both sides.
        Migrator.Run(from, Dialect.Sqlite);
        Migrator.Run(to, Dialect.PostgreSql);
        var tables = InOrder(from);
        using var transaction = to.BeginTransaction();
        foreach (var table in tables.Where(table => table != "counters"))
        {
            if (to.ExecuteScalar<bool>($"SELECT EXISTS (SELECT 1 FROM {table})"))
                throw new MoveException($"The target is not empty: there are rows in its table {table}. Give an empty database.");
        }

        var moved = new List<MovedTable>();
        to.Execute("DELETE FROM counters");
        foreach (var table in tables)
        {
            // The notes for other servers: there is none yet.
            to.Execute($"ALTER TABLE {table} DISABLE TRIGGER USER");
            var columns = to.Query<(string Name, string Type)>(ColumnsSql, new { table }).AsList();
            var copied = Copy(from, to, table, columns);
            to.Execute($"ALTER TABLE {table} ENABLE TRIGGER USER");
            var there = Read(to, table, columns);
            if (there != copied)
            {
                throw new MoveException(
                    $"Table {table} did not arrive whole: {copied.Rows} rows with digest {copied.Digest} were sent, {there.Rows} with {there.Digest} are there. "
                    + "Nothing was kept in the target.");
            }

            moved.Add(copied);
            told(copied);
        }

        transaction.Commit();
        return moved;
    }

    private static MovedTable Copy(SqliteConnection from, NpgsqlConnection to, string table, List<(string Name, string Type)> columns)
    {
        var names = string.Join(", ", columns.Select(column => column.Name));
        using var select = from.CreateCommand();
        select.CommandText = $"SELECT {names} FROM {table}";
        using var rows = select.ExecuteReader();
        using var import = to.BeginBinaryImport($"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)");
        var digest = new Digest(columns.Count);
        var values = new object[columns.Count];
        while (rows.Read())
        {
            rows.GetValues(values);
            import.StartRow();
            for (var i = 0; i < values.Length; i++)
                Write(import, columns[i].Type, values[i]);
            digest.Add(values);
        }

        import.Complete();
        return digest.Of(table);
    }

    private static void Write(NpgsqlBinaryImporter import, string type, object value)
    {
        if (value is DBNull)
            import.WriteNull();
        else if (type == "bigint")
            import.Write(Convert.ToInt64(value, null), NpgsqlDbType.Bigint);
        else if (type == "bytea")
            import.Write((byte[])value, NpgsqlDbType.Bytea);
        else
            import.Write(value is string text ? text : Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!, NpgsqlDbType.Text);
    }

    private static MovedTable Read(NpgsqlConnection to, string table, List<(string Name, string Type)> columns)
    {
        using var select = new NpgsqlCommand($"SELECT {string.Join(", ", columns.Select(column => column.Name))} FROM {table}", to);
        using var rows = select.ExecuteReader();
        var digest = new Digest(columns.Count);
        var values = new object[columns.Count];
        while (rows.Read())
        {
            rows.GetValues(values);
            digest.Add(values);
        }

        return digest.Of(table);
    }

    // A table comes after those that its rows refer to.
    private static List<string> InOrder(SqliteConnection from)
    {
        var waiting = from.Query<string>(TablesSql).ToDictionary(
            table => table, table => from.Query<string>(ParentsSql, new { table }).Where(parent => parent != table).ToHashSet(), StringComparer.Ordinal);
        var ordered = new List<string>();
        while (waiting.Count > 0)
        {
            var next = waiting.Where(table => table.Value.All(ordered.Contains)).Select(table => table.Key).Order(StringComparer.Ordinal).ToArray();
            ordered.AddRange(next);
            foreach (var table in next)
                waiting.Remove(table);
        }

        return ordered;
    }

    private sealed class Digest(int columns)
    {
        private readonly byte[] _sum = new byte[DigestSize];
        private long _rows;

        public void Add(object[] values)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var i = 0; i < columns; i++)
            {
                var bytes = values[i] switch
                {
                    DBNull => null,
                    byte[] raw => raw,
                    string text => Encoding.UTF8.GetBytes(text),
                    var number => Encoding.ASCII.GetBytes(Convert.ToInt64(number, null).ToString(System.Globalization.CultureInfo.InvariantCulture)),
                };
                hash.AppendData(BitConverter.GetBytes(bytes?.Length ?? -1));
                hash.AppendData(bytes ?? []);
            }

            var carry = 0;
            var row = hash.GetHashAndReset();
            for (var i = 0; i < DigestSize; i++, carry >>= 8)
                _sum[i] = (byte)(carry += _sum[i] + row[i]);
            _rows++;
        }

        public MovedTable Of(string table) => new(table, _rows, Convert.ToHexStringLower(_sum));
    }
}
