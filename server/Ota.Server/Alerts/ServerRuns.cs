using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Data;

namespace Ota.Server.Alerts;

/// <summary>When this server ran, and so when it did not: what fell into a downtime nobody missed.</summary>
internal sealed class ServerRuns(Database database, TimeProvider time)
{
    /// <summary>A server that starts every few seconds must not fill the table.</summary>
    private const int MostKept = 200;

    private const string BeginSql = "INSERT INTO server_runs (started, alive) VALUES (@now, @now) ON CONFLICT (started) DO NOTHING";
    private const string AliveSql = "UPDATE server_runs SET alive = @now WHERE started = @started AND alive < @now";
    private const string AllSql = "SELECT started, alive FROM server_runs ORDER BY started";

    private const string PruneSql =
        "DELETE FROM server_runs WHERE started < (SELECT started FROM server_runs ORDER BY started DESC LIMIT 1 OFFSET @most)";

    private long _started;

    /// <summary>Oldest first; the first begins with time itself, as nothing is known before the first run that is kept.</summary>
    public IReadOnlyList<Downtime> Downtimes { get; private set; } = [];

    /// <summary>This run begins now.</summary>
    public async Task BeginAsync(CancellationToken cancellation)
    {
        _started = time.GetUtcNow().ToUnixTimeMilliseconds();
        var runs = await database.WriteAsync(
            connection =>
            {
                connection.Execute(BeginSql, new { now = _started });
                connection.Execute(PruneSql, new { most = MostKept - 1 });
                return connection.Query<(long Started, long Alive)>(AllSql).AsList();
            },
            cancellation);
        Downtimes =
        [
            .. runs.Select((run, i) => new Downtime(
                i == 0 ? DateTimeOffset.MinValue : DateTimeOffset.FromUnixTimeMilliseconds(runs[i - 1].Alive),
                DateTimeOffset.FromUnixTimeMilliseconds(run.Started))),
        ];
    }

    /// <summary>It still runs.</summary>
    /// <exception cref="SqliteException">It could not be written.</exception>
    public Task AliveAsync() =>
        database.WriteAsync(
            connection => connection.Execute(AliveSql, new { started = _started, now = time.GetUtcNow().ToUnixTimeMilliseconds() }),
            CancellationToken.None);
}
