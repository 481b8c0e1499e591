using System.Data.Common;
using Dapper;

namespace Ota.Server.Data;

/// <summary>What servers that share a database tell each other: a row for each thing that one of them changed. On PostgreSQL alone.</summary>
internal static class Changes
{
    /// <summary>Devices whose last check-in was written behind; the key is their ids with commas.</summary>
    public const string Heard = "heard";

    /// <summary>Devices whose pins were written; the key is their ids with commas.</summary>
    public const string Pin = "pin";

    private const string NoteSql = "SELECT note_change(@kind, @key)";

    private const string PositionSql = "SELECT COALESCE(max(seq), 0) FROM changes";

    private const string SinceSql = "SELECT seq, server, kind, key FROM changes WHERE seq > @after ORDER BY seq LIMIT @most";

    // Below it, rows may be gone.
    private const string OldestSql = "SELECT COALESCE(min(seq), 0) FROM changes";

    // now() is the same for all that one transaction wrote.
    private const string LastDevicesSql =
        """
        SELECT DISTINCT key FROM changes
        WHERE kind = 'device' AND server = @server AND at = (SELECT max(at) FROM changes WHERE server = @server)
        """;

    private const string PruneSql = "DELETE FROM changes WHERE at < now() - interval '1 hour' AND seq < (SELECT max(seq) FROM changes)";

    public static void NoteHeard(DbConnection connection, IEnumerable<string> devices) =>
        connection.Execute(NoteSql, new { kind = Heard, key = string.Join(',', devices) });

    public static void NoteDevice(DbConnection connection, string device) =>
        connection.Execute(NoteSql, new { kind = "device", key = device });

    public static void NotePins(DbConnection connection, IEnumerable<string> devices) =>
        connection.Execute(NoteSql, new { kind = Pin, key = string.Join(',', devices) });

    public static long Position(DbConnection connection) => connection.ExecuteScalar<long>(PositionSql);

    public static IReadOnlyList<Change> Since(DbConnection connection, long after, int most) =>
        [.. connection.Query<(long Seq, string Server, string Kind, string Key)>(SinceSql, new { after, most })
            .Select(row => new Change(row.Seq, row.Server, row.Kind, row.Key))];

    public static long Oldest(DbConnection connection) => connection.ExecuteScalar<long>(OldestSql);

    /// <summary>The devices that the last commit of a writer changed.</summary>
    public static IReadOnlyList<string> LastDevicesOf(DbConnection connection, string server) =>
        connection.Query<string>(LastDevicesSql, new { server }).AsList();

    /// <summary>Forgets what every server that lives has long read.</summary>
    public static void Prune(DbConnection connection) => connection.Execute(PruneSql);
}

/// <param name="Server">Who wrote it.</param>
/// <param name="Kind">What it is of: product, release and rollout (keyed by product), image, staff, person, device, heard, pin.</param>
internal sealed record Change(long Seq, string Server, string Kind, string Key);
