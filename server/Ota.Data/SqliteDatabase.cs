using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Ota.Server.Data;

/// <summary>The embedded database: one file that one process has to itself (WAL, synchronous=FULL).</summary>
internal sealed class SqliteDatabase : Database
{
    private readonly string _connectionString;

    public SqliteDatabase(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        Dapper.DefaultTypeMap.MatchNamesWithUnderscores = true;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = true }.ToString();
        KeepToOwner(path);
        Start();
    }

    // SQLite gives the files that it puts beside it the same mode.
    private static void KeepToOwner(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        File.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public override bool IsShared => false;

    protected override DbConnection OpenReader()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        Execute(connection, "PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL");
        return connection;
    }

    protected override DbConnection OpenWriter()
    {
        var writer = OpenReader();
        Execute(writer, "PRAGMA journal_mode=WAL");
        Execute(writer, "PRAGMA wal_autocheckpoint=4000");
        Migrator.Run(writer, Dialect.Sqlite);
        return writer;
    }

    protected override void Begin(DbConnection writer, IReadOnlyList<Work> batch) => writer.ExecuteKept("BEGIN IMMEDIATE");

    protected override ValueTask CloseAsync()
    {
        SqliteConnection.ClearAllPools();
        return ValueTask.CompletedTask;
    }

    private static void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
