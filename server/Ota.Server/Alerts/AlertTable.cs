using System.Text.Json.Serialization;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Evidence;
using Ota.Server.Webhooks;

namespace Ota.Server.Alerts;

/// <summary>Which alerts to list; null means any.</summary>
/// <param name="After">The last id of the page before.</param>
internal sealed record AlertFilter(string? Product, string? Device, string? Kind, bool? Open, int Limit, long? After);

/// <summary>What a webhook is told of an alert; times in Unix seconds.</summary>
internal sealed record AlertEvent(
    long Alert, string Device, string HardwareId, string Product, string Kind, string Detail, long OpenedAt, long? ClosedAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AlertEvent))]
internal sealed partial class AlertJson : JsonSerializerContext;

/// <summary>The rows of alerts, and what the last hour's samples say of restarts.</summary>
internal static class AlertTable
{
    /// <summary>Closed alerts that are kept at most, whatever their age.</summary>
    public const int MostClosed = 100_000;

    public static readonly TimeSpan ClosedLife = TimeSpan.FromDays(90);

    private const string InsertSql =
        """
        INSERT INTO alerts (number, device, product, kind, opened, detail) VALUES (@number, @Id, @Product, @kind, @At, @detail)
        ON CONFLICT DO NOTHING
        """;

    private const string CloseSql =
        """
        UPDATE alerts SET closed = @At WHERE device = @Id AND kind = @kind AND closed IS NULL
        RETURNING number, opened, detail
        """;

    private const string OpenSql = "SELECT device, kind, opened, detail FROM alerts WHERE closed IS NULL";

    private const string ListSql =
        """
        SELECT a.number, a.device, d.hardware_id, a.product, a.kind, a.opened, a.closed, a.detail
        FROM alerts a JOIN devices d ON d.id = a.device
        WHERE (@Product IS NULL OR a.product = @Product) AND (@Device IS NULL OR a.device = @Device)
          AND (@Kind IS NULL OR a.kind = @Kind) AND (@After IS NULL OR a.number < @After)
          AND (@Open IS NULL OR (a.closed IS NULL) = @Open)
        ORDER BY a.number DESC LIMIT @Limit
        """;

    private const string PruneSql =
        """
        DELETE FROM alerts WHERE closed < @before OR (closed IS NOT NULL AND number <=
            (SELECT number FROM alerts WHERE closed IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET @most))
        """;

    private const string RestartsSql =
        """
        SELECT s.device, s.at, s.rssi, s.uptime, s.free_memory AS freeMemory, s.restarts, s.cause, p.at AS beforeAt,
               p.restarts AS beforeRestarts
        FROM samples s JOIN samples p ON p.device = s.device
            AND p.at = (SELECT max(at) FROM samples WHERE device = s.device AND at < s.at)
        WHERE s.at >= @since AND s.restarts > p.restarts ORDER BY s.at
        """;

    private const string LatestSql =
        """
        SELECT at, rssi, uptime, free_memory AS freeMemory, restarts, cause FROM samples
        WHERE device = @device AND rssi <> 0 ORDER BY at DESC LIMIT @most
        """;

    /// <summary>Writes what opened or closed, with its line in the timeline and what webhooks are to be told.</summary>
    public static void Write(SqliteConnection connection, AlertChange change)
    {
        var (device, kind) = (change.Device, AlertWords.Of(change.Kind));
        if (change.Detail is { } detail)
        {
            var number = Counters.Next(connection, Counters.Alert);
            if (connection.Execute(InsertSql, new { number, device.Id, device.Product, kind, change.At, detail }) == 0)
                return;
            Timeline.Append(connection, device.Id, change.At, "alert", AlertWords.Opening(change.Kind, detail));
            Tell(connection, change, WebhookEvents.AlertOpened, number, new OpenAlert(change.At, detail), closed: null);
        }
        else if (connection.QuerySingleOrDefault<ClosedRow>(CloseSql, new { device.Id, kind, change.At }) is { } closed)
        {
            Timeline.Append(connection, device.Id, change.At, "alert-over", AlertWords.Ending(change.Kind));
            var alert = new OpenAlert(closed.Opened, closed.Detail);
            Tell(connection, change, WebhookEvents.AlertClosed, closed.Number, alert, change.At);
        }
    }

    public static IReadOnlyList<(string Device, AlertKind Kind, OpenAlert Open)> AllOpen(SqliteConnection connection) =>
        [.. connection.Query<(string Device, string Kind, long Opened, string Detail)>(OpenSql)
            .Select(row => (row.Device, AlertWords.Parse(row.Kind), new OpenAlert(row.Opened, row.Detail)))];

    /// <summary>Newest first.</summary>
    public static AlertView[] List(SqliteConnection connection, AlertFilter filter) =>
        [.. connection.Query<Row>(ListSql, filter).Select(row => row.ToView())];

    /// <summary>Forgets closed alerts that are old, or too many.</summary>
    public static void Prune(SqliteConnection connection, DateTimeOffset now) =>
        connection.Execute(PruneSql, new { before = (now - ClosedLife).ToUnixTimeMilliseconds(), most = MostClosed });

    /// <summary>The samples since then that tell of a restart, oldest first, each with what the one before it said.</summary>
    public static IEnumerable<(string Device, Sample Sample, long BeforeAt, long BeforeRestarts)> Restarts(
        SqliteConnection connection, DateTimeOffset since) =>
        connection.Query<SampleRow>(RestartsSql, new { since = since.ToUnixTimeMilliseconds() })
            .Select(row => (row.Device, row.ToSample(), row.BeforeAt, row.BeforeRestarts));

    /// <summary>A device's latest samples that know a signal, oldest first.</summary>
    public static IEnumerable<Sample> Latest(SqliteConnection connection, string device, int most) =>
        connection.Query<SampleRow>(LatestSql, new { device, most }).Select(row => row.ToSample()).Reverse();

    private static void Tell(
        SqliteConnection connection, AlertChange change, string type, long number, OpenAlert alert, long? closed) =>
        Outbox.Append(
            connection,
            change.Device.Product,
            type,
            change.At,
            () => new AlertEvent(
                number, change.Device.Id, change.Device.HardwareId, change.Device.Product, AlertWords.Of(change.Kind), alert.Detail,
                alert.At / 1000, closed / 1000),
            AlertJson.Default.AlertEvent);

    private sealed class ClosedRow
    {
        public long Number { get; init; }

        public long Opened { get; init; }

        public string Detail { get; init; } = "";
    }

    private sealed class Row
    {
        public long Number { get; init; }

        public string Device { get; init; } = "";

        public string HardwareId { get; init; } = "";

        public string Product { get; init; } = "";

        public string Kind { get; init; } = "";

        public long Opened { get; init; }

        public long? Closed { get; init; }

        public string Detail { get; init; } = "";

        public AlertView ToView() => new(
            Number,
            Device,
            HardwareId,
            Product,
            Kind,
            DateTimeOffset.FromUnixTimeMilliseconds(Opened),
            Closed is { } closed ? DateTimeOffset.FromUnixTimeMilliseconds(closed) : null,
            Detail);
    }

    private sealed class SampleRow
    {
        public string Device { get; init; } = "";

        public long At { get; init; }

        public long Rssi { get; init; }

        public long Uptime { get; init; }

        public long FreeMemory { get; init; }

        public long Restarts { get; init; }

        public string Cause { get; init; } = "";

        public long BeforeAt { get; init; }

        public long BeforeRestarts { get; init; }

        public Sample ToSample() => new(At, (int)Rssi, Uptime, FreeMemory, Restarts, Cause);
    }
}
