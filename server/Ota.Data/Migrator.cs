using System.Data.Common;
using Dapper;

namespace Ota.Server.Data;

/// <summary>Which database a script is for, where they differ.</summary>
internal enum Dialect
{
    Sqlite,
    PostgreSql,
}

/// <summary>
/// Runs the numbered scripts under Data/Migrations that this database has not seen, each in a transaction of its own. A line
/// <c>-- for sqlite</c>, <c>-- for postgresql</c> or <c>-- for both</c> says whom the lines after it are for.
/// </summary>
internal static class Migrator
{
    private const string Folder = "Ota.Server.Data.Migrations.";
    private const string Marker = "-- for ";
    private const int MigrationLock = 0x6f7462;

    /// <summary>All there are, in the order in which they run.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(Migrator).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(resource => resource[Folder.Length..]),
    ];

    public static void Run(DbConnection connection, Dialect dialect)
    {
        // A second process that starts at the same moment waits here, then finds the rows.
        if (dialect == Dialect.PostgreSql)
            connection.Execute($"SELECT pg_advisory_lock({MigrationLock})");
        connection.Execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, run bigint NOT NULL)");
        foreach (var name in Names)
        {
            using var reader = new StreamReader(typeof(Migrator).Assembly.GetManifestResourceStream(Folder + name)!);
            RunOnce(connection, name, For(dialect, reader.ReadToEnd()), dialect);
        }

        if (dialect == Dialect.PostgreSql)
            connection.Execute($"SELECT pg_advisory_unlock({MigrationLock})");
    }

    /// <summary>The part of a script that is for this database.</summary>
    public static string For(Dialect dialect, string script)
    {
        var (kept, isFor) = (new List<string>(), "both");
        foreach (var line in script.Split('\n'))
        {
            if (line.StartsWith(Marker, StringComparison.Ordinal))
                isFor = line[Marker.Length..].Trim();
            else if (isFor == "both" || isFor.Equals(dialect.ToString(), StringComparison.OrdinalIgnoreCase))
                kept.Add(line);
        }

        return string.Join('\n', kept);
    }

    private static void RunOnce(DbConnection connection, string name, string script, Dialect dialect)
    {
        connection.Execute(dialect == Dialect.Sqlite ? "BEGIN IMMEDIATE" : "BEGIN TRANSACTION");
        var known = connection.ExecuteScalar<long>("SELECT count(*) FROM migrations WHERE name = @name", new { name });
        if (known == 0)
        {
            if (!string.IsNullOrWhiteSpace(script))
                connection.Execute(script);
            connection.Execute(
                "INSERT INTO migrations (name, run) VALUES (@name, @run)",
                new { name, run = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() });
        }

        connection.Execute("COMMIT TRANSACTION");
    }
}
