using System.Data.Common;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Products;

namespace Ota.Server.Pins;

/// <summary>Who wrote a pin.</summary>
internal enum PinSource
{
    /// <summary>Staff, or an app with a staff key.</summary>
    App,

    Device,
    Server,
}

/// <summary>The last value of a pin.</summary>
/// <param name="Kept">Where it is kept: a user's number, or a system pin (<see cref="PinPolicy.System"/>).</param>
/// <param name="Seq">Grows with each write to a pin of this device.</param>
/// <param name="Who">The staff key's name; null unless an app wrote it.</param>
internal sealed record PinRow(int Kept, string Value, long Seq, DateTimeOffset At, PinSource Source, string? Who);

/// <summary>How far the pins of a device have come: the last write, and the last by an app; 0 for none.</summary>
internal sealed record PinExtent(long Last, long LastByApp);

/// <summary>The rows of pins. A device has 261 at the most.</summary>
internal static class PinTable
{
    /// <summary>Number of a write: above that of the last one to the same device, which <c>s.last</c> is.</summary>
    public const string Next = "CASE WHEN COALESCE(s.last, 0) < @at THEN @at ELSE s.last + 1 END";

    public const string Replace =
        """
        ON CONFLICT (device, pin) DO UPDATE SET value = excluded.value, seq = excluded.seq, at = excluded.at,
                                                source = excluded.source, who = excluded.who
        """;

    // Only for the generation that was looked at: what was meant for one owner is not for the next.
    private const string WriteSql =
        $"""
        INSERT INTO pins (device, pin, value, seq, at, source, who)
        SELECT d.id, @pin, @value, {Next}, @at, @source, @who
        FROM devices d CROSS JOIN (SELECT max(seq) AS last FROM pins WHERE device = @device) AS s
        WHERE d.id = @device AND d.generation = @generation
        {Replace} RETURNING seq
        """;

    private const string SinceSql =
        """
        SELECT pin, value, seq, at, source, who FROM pins
        WHERE device = @device AND seq > @after AND (@source IS NULL OR source = @source) ORDER BY seq LIMIT @most
        """;

    private const string OneSql = "SELECT pin, value, seq, at, source, who FROM pins WHERE device = @device AND pin = @pin";

    private const string ExtentSql =
        "SELECT COALESCE(max(seq), 0), COALESCE(max(CASE WHEN source = 'app' THEN seq END), 0) FROM pins WHERE device = @device";

    private const string ForgetSql = "DELETE FROM pins WHERE device = @device";

    private const string VersionSql = "SELECT version FROM releases WHERE id = @Release";

    /// <summary>Writes a value; its seq, or null when the device has been given new secrets since.</summary>
    public static long? Write(
        DbConnection connection, string device, long generation, int kept, string value, DateTimeOffset at, PinSource source, string? who = null) =>
        connection.ExecuteScalar<long?>(WriteSql, new
        {
            device, generation, pin = (long)kept, value, at = at.ToUnixTimeMilliseconds(), source = Word(source), who,
        });

    /// <summary>Writes version and time of a confirmation, in its transaction.</summary>
    public static void WriteVersion(DbConnection connection, long generation, Deployment ended)
    {
        if (ended is not { Action: DeploymentAction.Install, State: DeploymentState.Confirmed, Ended: { } at })
            return;
        var version = connection.ExecuteScalar<string>(VersionSql, new { ended.Release });
        Write(
            connection, ended.Device, generation, PinPolicy.Kept(SystemPin.Version), StatusPolicy.Confirmed(version, at), at, PinSource.Server);
    }

    /// <summary>How far the device's pins have come.</summary>
    public static PinExtent Extent(DbConnection connection, string device)
    {
        var (last, lastByApp) = connection.QuerySingle<(long, long)>(ExtentSql, new { device });
        return new PinExtent(last, lastByApp);
    }

    /// <summary>What was written after that, oldest first, and how far the device's pins have come.</summary>
    /// <param name="source">Only what this one wrote last; null for all.</param>
    public static (IReadOnlyList<PinRow> Rows, PinExtent Extent) Since(DbConnection connection, string device, long after, PinSource? source, int most)
    {
        var extent = Extent(connection, device);
        // The server has lost its memory: whatever is there is news.
        var from = after > extent.Last ? 0 : after;
        var rows = connection.Query<Row>(SinceSql, new { device, after = from, source = source is { } one ? Word(one) : null, most });
        return ([.. rows.Select(row => row.ToPin())], extent);
    }

    public static PinRow? Find(DbConnection connection, string device, int kept) =>
        connection.QuerySingleOrDefault<Row>(OneSql, new { device, pin = (long)kept })?.ToPin();

    /// <summary>Forgets all of a device, for its next owner.</summary>
    public static void Forget(DbConnection connection, string device) => connection.Execute(ForgetSql, new { device });

    public static string Word(PinSource source) => source switch
    {
        PinSource.App => "app",
        PinSource.Device => "device",
        _ => "server",
    };

    private sealed class Row
    {
        public long Pin { get; init; }

        public string Value { get; init; } = "";

        public long Seq { get; init; }

        public long At { get; init; }

        public string Source { get; init; } = "";

        public string? Who { get; init; }

        public PinRow ToPin() => new(
            (int)Pin, Value, Seq, DateTimeOffset.FromUnixTimeMilliseconds(At), Enum.Parse<PinSource>(Source, ignoreCase: true), Who);
    }
}
