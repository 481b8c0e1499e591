using System.Data.Common;
using Dapper;
using Ota.Server.Pins;
using Ota.Server.Products;

namespace Ota.Server.Dialects.Blynk;

/// <summary>A device of which a cloud is still to be told.</summary>
/// <param name="Attempts">Those that failed.</param>
internal sealed record CloudTelling(string Device, string Url, byte[] Sealed, long Attempts);

/// <summary>How a device's cloud stands.</summary>
/// <param name="Url">The cloud that its token is for.</param>
/// <param name="Due">When it is told next; null while there is nothing to tell.</param>
internal sealed record CloudState(string Url, DateTimeOffset? Due, DateTimeOffset? Told, DateTimeOffset? Failed, string? Error);

/// <summary>The rows of devices whose cloud is told of them. That a pin changed makes a row due by a trigger (migration 0023).</summary>
internal static class BlynkCloudTable
{
    private const int First = 258;
    private const int Last = 260;

    // Only for the generation that was looked at.
    private const string SetSql =
        """
        INSERT INTO blynk_clouds (device, url, sealed, due, attempts)
        SELECT id, @url, @sealed, @at, 0 FROM devices WHERE id = @device AND generation = @generation
        ON CONFLICT (device) DO UPDATE SET url = excluded.url, sealed = excluded.sealed, due = excluded.due, attempts = 0, failed = NULL, error = NULL
        """;

    private const string RemoveSql = "DELETE FROM blynk_clouds WHERE device = @device";
    private const string StateSql = "SELECT url, due, told, failed, error FROM blynk_clouds WHERE device = @device";

    private const string ProductsSql =
        """
        SELECT DISTINCT d.product FROM blynk_clouds AS c JOIN devices AS d ON d.id = c.device JOIN products AS p ON p.name = d.product
        WHERE c.due <= @now AND p.blynk_cloud = c.url
        """;

    private const string DueSql =
        """
        SELECT c.device, c.url, c.sealed, c.attempts FROM blynk_clouds AS c
        JOIN devices AS d ON d.id = c.device JOIN products AS p ON p.name = d.product
        WHERE c.due <= @now AND d.product = @product AND p.blynk_cloud = c.url ORDER BY c.due, c.device LIMIT @limit
        """;

    private const string PinsSql = "SELECT pin, value, seq FROM pins WHERE device = @device AND pin BETWEEN @first AND @last ORDER BY pin";

    // What was written while it was told is told next; a token that was changed meanwhile is not done with.
    private const string ToldSql =
        """
        UPDATE blynk_clouds SET attempts = 0, told = @at, failed = NULL, error = NULL,
               due = CASE WHEN (SELECT max(seq) FROM pins WHERE device = @device AND pin BETWEEN @first AND @last) > @seq THEN @at END
        WHERE device = @device AND sealed = @sealed
        """;

    private const string FailedSql =
        "UPDATE blynk_clouds SET attempts = attempts + 1, failed = @at, error = @error, due = @due WHERE device = @device AND sealed = @sealed";

    /// <summary>False when the device has been given new secrets since.</summary>
    public static bool Set(DbConnection connection, string device, long generation, string url, byte[] @sealed, long at) =>
        connection.Execute(SetSql, new { device, generation, url, @sealed, at }) == 1;

    public static bool Remove(DbConnection connection, string device) => connection.Execute(RemoveSql, new { device }) == 1;

    /// <summary>Null for a device without a token.</summary>
    public static CloudState? Find(DbConnection connection, string device) =>
        connection.Query<(string Url, long? Due, long? Told, long? Failed, string? Error)>(StateSql, new { device }).AsList() is [var row]
            ? new CloudState(row.Url, Time(row.Due), Time(row.Told), Time(row.Failed), row.Error)
            : null;

    /// <summary>The products of which a cloud is to be told of something now.</summary>
    public static IReadOnlyList<string> Products(DbConnection connection, DateTimeOffset now) =>
        connection.Query<string>(ProductsSql, new { now = now.ToUnixTimeMilliseconds() }).AsList();

    /// <summary>What is due by now, the longest due first.</summary>
    public static IReadOnlyList<CloudTelling> Due(DbConnection connection, string product, DateTimeOffset now, int limit) =>
        [.. connection.Query<(string Device, string Url, byte[] Sealed, long Attempts)>(
                DueSql, new { product, now = now.ToUnixTimeMilliseconds(), limit })
            .Select(row => new CloudTelling(row.Device, row.Url, row.Sealed, row.Attempts))];

    /// <summary>The values that a cloud is told, with the seq of the newest; none for a device that has said nothing.</summary>
    public static (IReadOnlyList<(SystemPin Pin, string Value)> Values, long Seq) Values(DbConnection connection, string device)
    {
        var rows = connection.Query<(long Pin, string Value, long Seq)>(PinsSql, new { device, first = First, last = Last }).AsList();
        return ([.. rows.Select(row => (PinPolicy.System((int)row.Pin)!.Value, row.Value))], rows.Select(row => row.Seq).DefaultIfEmpty().Max());
    }

    public static void Told(DbConnection connection, CloudTelling telling, long seq, long at) =>
        connection.Execute(ToldSql, new { device = telling.Device, @sealed = telling.Sealed, seq, at, first = First, last = Last });

    public static void Failed(DbConnection connection, CloudTelling telling, long at, string error, DateTimeOffset due) =>
        connection.Execute(
            FailedSql, new { device = telling.Device, @sealed = telling.Sealed, at, error, due = due.ToUnixTimeMilliseconds() });

    private static DateTimeOffset? Time(long? at) => at is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known) : null;
}
