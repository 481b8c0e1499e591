using Dapper;
using Microsoft.Data.Sqlite;

namespace Ota.Server.Data;

/// <summary>A file that is no backup to restore; the message says why.</summary>
internal sealed class BackupException(string message) : Exception(message);

/// <summary>What a backup holds.</summary>
/// <param name="Fingerprint">Of the master secret its devices have theirs from; null in one that is older than that.</param>
internal sealed record BackupFacts(long Devices, long Releases, long Deployments, string? Fingerprint);

/// <summary>Copies of an embedded database, taken while a server runs on it (SQLite's online backup).</summary>
internal static class SqliteBackup
{
    private const string FactsSql =
        "SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM releases), (SELECT count(*) FROM deployments)";

    /// <summary>Writes a copy, whole or not at all.</summary>
    /// <exception cref="SqliteException">The source cannot be read.</exception>
    public static BackupFacts Write(string source, string target)
    {
        SQLitePCL.Batteries_V2.Init();
        var fresh = target + ".new";
        File.Delete(fresh);
        try
        {
            using (var from = Open(source, SqliteOpenMode.ReadOnly))
            using (var to = Open(fresh, SqliteOpenMode.ReadWriteCreate))
            {
                from.BackupDatabase(to);
                // One file: nothing of it is left in a log beside it.
                to.Execute("PRAGMA journal_mode=DELETE");
            }

            var facts = Look(fresh);
            using (var file = new FileStream(fresh, FileMode.Open, FileAccess.Write))
                file.Flush(flushToDisk: true);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(fresh, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.Move(fresh, target, overwrite: true);
            return facts;
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    /// <summary>Looks whether a file is a whole database of an Ota server that this version understands.</summary>
    /// <exception cref="BackupException">It is not.</exception>
    public static BackupFacts Look(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        try
        {
            using var connection = Open(path, SqliteOpenMode.ReadOnly);
            if (connection.ExecuteScalar<string>("PRAGMA integrity_check") is not "ok")
                throw new BackupException($"{path} is damaged.");
            var newer = connection.Query<string>("SELECT name FROM migrations").Except(Migrator.Names, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
            if (newer.Length > 0)
                throw new BackupException($"{path} is of a newer version than this one (it has {newer[^1]}). Update first.");
            var (devices, releases, deployments) = connection.QuerySingle<(long, long, long)>(FactsSql);
            var knowsMaster = connection.ExecuteScalar<long>("SELECT count(*) FROM sqlite_master WHERE name = 'master_secret'") > 0;
            return new BackupFacts(
                devices, releases, deployments, knowsMaster ? connection.ExecuteScalar<string?>("SELECT fingerprint FROM master_secret") : null);
        }
        catch (SqliteException fault)
        {
            throw new BackupException($"{path} is no database of an Ota server: {fault.Message.TrimEnd('.')}.");
        }
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
