using System.Data.Common;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Pins;

/// <summary>What the server writes to the pins of many devices, in one statement; on PostgreSQL, where each statement is a round trip.</summary>
internal static class PinBatch
{
    // One device at most once: a row is changed once by a statement. Else as for one pin.
    private const string WriteSql =
        $"""
        INSERT INTO pins (device, pin, value, seq, at, source, who)
        SELECT d.id, @pin, said.value, {PinTable.Next}, @at, @source, NULL
        FROM unnest(@devices, @generations, @values) AS said (device, generation, value)
        JOIN devices d ON d.id = said.device AND d.generation = said.generation
        CROSS JOIN LATERAL (SELECT max(seq) AS last FROM pins WHERE device = said.device) AS s
        {PinTable.Replace} RETURNING device
        """;

    private const string ValuesSql = "SELECT device, value, at FROM pins WHERE device = ANY(@devices) AND pin = @pin";

    /// <summary>The devices that have not been given new secrets since; those alone were written.</summary>
    public static IEnumerable<string> Write(
        DbConnection connection, int kept, IReadOnlyList<(string Device, long Generation, string Value)> said, DateTimeOffset at) =>
        connection.Query<string>(WriteSql, new
        {
            pin = (long)kept,
            at = at.ToUnixTimeMilliseconds(),
            source = PinTable.Word(PinSource.Server),
            devices = said.Select(one => one.Device).ToArray(),
            generations = said.Select(one => one.Generation).ToArray(),
            values = said.Select(one => one.Value).ToArray(),
        });

    /// <summary>What one pin of each says, and since when.</summary>
    public static Dictionary<string, (string Value, DateTimeOffset At)> Values(DbConnection connection, int kept, string[] devices) =>
        connection.Query<(string Device, string Value, long At)>(ValuesSql, new { pin = (long)kept, devices })
            .ToDictionary(row => row.Device, row => (row.Value, DateTimeOffset.FromUnixTimeMilliseconds(row.At)), StringComparer.Ordinal);
}
