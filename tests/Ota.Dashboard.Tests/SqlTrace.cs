using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>The statements that a server's readers run, as SQLite itself tells them. Begun anew when the server was.</summary>
internal sealed class SqlTrace
{
    // More than a server reads at once: it finds no other one in the pool.
    private const int Connections = 12;
    private readonly ConcurrentQueue<string> _ran = new();

    public SqlTrace(RunningServer server)
    {
        // The pool is this process's, and a connection that goes back to it keeps the trace.
        var address = new SqliteConnectionStringBuilder { DataSource = Path.Combine(server.Data, "ota.db"), Pooling = true }.ToString();
        var connections = Enumerable.Range(0, Connections).Select(_ => new SqliteConnection(address)).ToList();
        foreach (var connection in connections)
        {
            connection.Open();
            SQLitePCL.raw.sqlite3_trace(connection.Handle, (_, sql) => Ran(sql), null);
        }

        connections.ForEach(connection => connection.Dispose());
    }

    public IReadOnlyList<string> Statements => [.. _ran];

    public void Clear() => _ran.Clear();

    // Settings of a connection are no questions.
    private void Ran(string sql)
    {
        if (!sql.TrimStart().StartsWith("PRAGMA", StringComparison.Ordinal))
            _ran.Enqueue(sql);
    }
}
