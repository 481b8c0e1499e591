using System.Data.Common;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Evidence;

/// <summary>The rows of samples and of the hours they are summarized to.</summary>
internal static class SampleTable
{
    private const string InsertSql =
        """
        INSERT INTO samples (device, at, rssi, uptime, free_memory, restarts, cause)
        VALUES (@Device, @At, @Rssi, @Uptime, @FreeMemory, @Restarts, @Cause) ON CONFLICT (device, at) DO NOTHING
        """;

    // On PostgreSQL, where each statement is a round trip.
    private const string BatchSql =
        """
        INSERT INTO samples (device, at, rssi, uptime, free_memory, restarts, cause)
        SELECT * FROM unnest(@Devices, @At, @Rssi, @Uptimes, @FreeMemory, @Restarts, @Causes) ON CONFLICT (device, at) DO NOTHING
        """;

    private const string AllSql =
        """
        SELECT at, rssi, uptime, free_memory AS freeMemory, restarts, cause FROM samples
        WHERE device = @device AND at >= @since ORDER BY at
        """;

    private const string HoursSql =
        "SELECT hour, band, cause, observed, restarts, intended FROM evidence_hours WHERE device = @device AND hour >= @since";

    private const string AddHourSql =
        """
        INSERT INTO evidence_hours (device, hour, band, cause, observed, restarts, intended)
        VALUES (@device, @hour, @band, @cause, @observed, @restarts, @intended)
        ON CONFLICT (device, hour, band, cause) DO UPDATE SET observed = evidence_hours.observed + excluded.observed,
            restarts = evidence_hours.restarts + excluded.restarts, intended = evidence_hours.intended + excluded.intended
        """;

    private const long Hour = 3_600_000;

    public static void Insert(DbConnection connection, IReadOnlyList<(string Device, Sample Sample)> samples)
    {
        foreach (var (device, sample) in samples)
        {
            connection.ExecuteKept(
                InsertSql,
                ("@Device", device),
                ("@At", sample.At),
                ("@Rssi", sample.Rssi),
                ("@Uptime", sample.Uptime),
                ("@FreeMemory", sample.FreeMemory),
                ("@Restarts", sample.Restarts),
                ("@Cause", sample.Cause));
        }
    }

    /// <summary>The same in one statement, on PostgreSQL.</summary>
    public static void InsertBatch(DbConnection connection, IReadOnlyList<(string Device, Sample Sample)> samples)
    {
        connection.ExecuteKept(
            BatchSql,
            ("@Devices", samples.Select(one => one.Device).ToArray()),
            ("@At", Of(sample => sample.At)),
            ("@Rssi", Of(sample => (long)sample.Rssi)),
            ("@Uptimes", Of(sample => sample.Uptime)),
            ("@FreeMemory", Of(sample => sample.FreeMemory)),
            ("@Restarts", Of(sample => sample.Restarts)),
            ("@Causes", Of(sample => sample.Cause)));

        T[] Of<T>(Func<Sample, T> value) => [.. samples.Select(one => value(one.Sample))];
    }

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<Sample> Since(DbConnection connection, string device, long since) =>
        [.. connection.Query<(long At, long Rssi, long Uptime, long FreeMemory, long Restarts, string Cause)>(AllSql, new { device, since })
            .Select(row => new Sample(row.At, (int)row.Rssi, row.Uptime, row.FreeMemory, row.Restarts, row.Cause))];

    public static IReadOnlyList<Piece> Hours(DbConnection connection, string device, long since) =>
        [.. connection.Query<(long Hour, string Band, string Cause, long Observed, long Restarts, long Intended)>(HoursSql, new { device, since })
            .Select(row => new Piece(
                row.Hour, Enum.Parse<SignalBand>(row.Band), row.Observed, row.Restarts, row.Intended, row.Cause))];

    public static void AddHours(DbConnection connection, string device, IEnumerable<Piece> pieces)
    {
        foreach (var hour in pieces.GroupBy(piece => (Hour: piece.At / Hour * Hour, piece.Band, piece.Cause)))
        {
            connection.Execute(AddHourSql, new
            {
                device,
                hour = hour.Key.Hour,
                band = hour.Key.Band.ToString(),
                cause = hour.Key.Cause,
                observed = hour.Sum(piece => piece.Observed),
                restarts = hour.Sum(piece => piece.Restarts),
                intended = hour.Sum(piece => piece.Intended),
            });
        }
    }
}
