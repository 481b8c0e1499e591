using System.Data.Common;
using Dapper;

namespace Ota.Server.Evidence;

/// <summary>
/// Bounds what is kept of a device: samples for 90 days and at most <see cref="MostSamples"/> of them, hours for two years. A device that asks
/// every few seconds has its samples summarized sooner; what the verdict is made of, hours and restarts by band, stays the same.
/// </summary>
internal static class Retention
{
    public const int MostSamples = 10_000;

    private static readonly TimeSpan SamplesLife = TimeSpan.FromDays(90);
    private static readonly TimeSpan HoursLife = TimeSpan.FromDays(730);

    /// <summary>Devices that one sweep looks after at most; the next one goes on.</summary>
    private const int MostInASweep = 500;

    private const string LateSql =
        """
        SELECT device FROM (SELECT DISTINCT device FROM samples WHERE at < @before LIMIT @most) AS samples
        UNION SELECT device FROM (SELECT DISTINCT device FROM evidence_hours WHERE hour < @beforeHours LIMIT @most) AS hours
        """;

    private const string NewestKeptSql =
        "SELECT at FROM samples WHERE device = @device ORDER BY at DESC LIMIT 1 OFFSET @most";

    /// <summary>Devices of which there is something too old.</summary>
    public static IReadOnlyList<string> Late(DbConnection connection, DateTimeOffset now) =>
        connection.Query<string>(LateSql, new
        {
            before = (now - SamplesLife).ToUnixTimeMilliseconds(),
            beforeHours = (now - HoursLife).ToUnixTimeMilliseconds(),
            most = MostInASweep,
        }).AsList();

    public static void Summarize(DbConnection connection, string device, DateTimeOffset now)
    {
        var before = (now - SamplesLife).ToUnixTimeMilliseconds();

        // Half as many again as must go, or every sweep would have a few to do.
        if (connection.ExecuteScalar<long?>(NewestKeptSql, new { device, most = MostSamples / 2 }) is { } surplus
            && connection.ExecuteScalar<long>("SELECT count(*) FROM samples WHERE device = @device", new { device }) > MostSamples)
            before = Math.Max(before, surplus + 1);
        var samples = SampleTable.Since(connection, device, since: 0);

        // Up to the first that stays, which is one end of the last piece that goes.
        var going = samples.TakeWhile(sample => sample.At < before).ToList();
        if (going.Count > 0)
        {
            var first = samples.Skip(going.Count).Take(1);
            SampleTable.AddHours(connection, device, Pieces.Of(going.Concat(first)));
            connection.Execute("DELETE FROM samples WHERE device = @device AND at < @before", new { device, before });
        }

        connection.Execute(
            "DELETE FROM evidence_hours WHERE device = @device AND hour < @beforeHours",
            new { device, beforeHours = (now - HoursLife).ToUnixTimeMilliseconds() });
    }
}
