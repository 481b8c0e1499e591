using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>The statements that pages run at a server's readers, as SQLite itself tells them. Begun anew when the server was.</summary>
internal sealed class SqlTrace
{
    // More than a server reads at once: it finds no other one in the pool.
    private const int Connections = 12;

    // What the server asks of itself every second or two: webhooks, Blynk clouds, and how rollouts are doing.
    private static readonly string[] Own =
    [
        "PRAGMA", "SELECT id, product, url, events", "SELECT DISTINCT d.product FROM blynk_clouds", "SELECT wave, state,", "SELECT begun FROM rollout_begun",
    ];

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

    private void Ran(string sql)
    {
        var text = sql.TrimStart();
        if (!Own.Any(own => text.StartsWith(own, StringComparison.Ordinal)))
            _ran.Enqueue(sql);
    }
}
