using Dapper;
using Microsoft.Data.Sqlite;

namespace Ota.Server.Data;

/// <summary>Runs the numbered scripts under Data/Migrations that this database has not seen, each in a transaction of its own.</summary>
internal static class Migrator
{
    private const string Folder = "Ota.Server.Data.Migrations.";

    public static void Run(SqliteConnection connection)
    {
        connection.Execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, run bigint NOT NULL)");
        var assembly = typeof(Migrator).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            RunOnce(connection, resource[Folder.Length..], reader.ReadToEnd());
        }
    }

    private static void RunOnce(SqliteConnection connection, string name, string script)
    {
        // Immediate: a second process that starts at the same moment waits here, then finds the row.
        connection.Execute("BEGIN IMMEDIATE");
        var known = connection.ExecuteScalar<long>("SELECT count(*) FROM migrations WHERE name = @name", new { name });
        if (known == 0)
        {
            connection.Execute(script);
            connection.Execute(
                "INSERT INTO migrations (name, run) VALUES (@name, @run)",
                new { name, run = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() });
        }

        connection.Execute("COMMIT");
    }
}
