using System.Data.Common;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Devices;

/// <summary>
/// Bounds what a device makes the server keep of it for ever: of its reports, and of the entries in its timeline that are not about an order, a
/// deployment or what a person did, only the latest stay.
/// </summary>
internal sealed class TimelineRetention(Database database)
{
    /// <summary>Of each of the two.</summary>
    public const int Most = 1000;

    /// <summary>Devices that one sweep looks after at most; the next one goes on.</summary>
    private const int MostInASweep = 500;

    // The words of the index.
    private const string Passing = "kind IN ('restarted', 'runs', 'log', 'event', 'alert', 'alert-over', 'shut-out', 'let-in', 'deferred')";

    private const string LongSql =
        $"""
        SELECT device FROM (SELECT device FROM timeline WHERE {Passing} GROUP BY device HAVING count(*) > @most LIMIT @devices) AS entries
        UNION SELECT device FROM (SELECT device FROM reports GROUP BY device HAVING count(*) > @most LIMIT @devices) AS told
        """;

    private const string TrimEntriesSql =
        $"""
        DELETE FROM timeline WHERE device = @device AND {Passing} AND number <= (
            SELECT number FROM timeline WHERE device = @device AND {Passing} ORDER BY number DESC LIMIT 1 OFFSET @most)
        """;

    // What was received last is what a device may yet send again.
    private const string TrimReportsSql =
        """
        DELETE FROM reports WHERE device = @device AND seq NOT IN (
            SELECT seq FROM reports WHERE device = @device ORDER BY received DESC, seq DESC LIMIT @most)
        """;

    /// <summary>One device at a time, so that no check-in waits long for the writer.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        foreach (var device in database.Read(connection => connection.Query<string>(LongSql, new { most = Most, devices = MostInASweep }).AsList()))
        {
            cancellation.ThrowIfCancellationRequested();
            await database.WriteAsync(connection => Trim(connection, device), CancellationToken.None);
        }
    }

    private static void Trim(DbConnection connection, string device)
    {
        connection.Execute(TrimEntriesSql, new { device, most = Most });
        connection.Execute(TrimReportsSql, new { device, most = Most });
    }
}
