using System.Data.Common;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Devices;

/// <summary>One thing that happened to a device; <c>By</c> when a person did it.</summary>
public sealed record TimelineEntry(DateTimeOffset At, string Kind, string Text, string? By);

/// <summary>What happened to a device, in the words staff read. Written in the transaction of what happened.</summary>
internal static class Timeline
{
    private const string AppendSql =
        "INSERT INTO timeline (number, device, at, kind, text, who) VALUES (@number, @device, @at, @kind, @text, @who)";

    private const string LatestSql =
        "SELECT at, kind, text, who FROM timeline WHERE device = @device ORDER BY number DESC LIMIT @limit";

    public static void Append(DbConnection connection, string device, long at, string kind, string text, string? who = null) =>
        connection.Execute(
            AppendSql, new { number = Counters.Next(connection, Counters.Timeline), device, at, kind, text, who });

    /// <summary>The latest entries, oldest of them first.</summary>
    public static IReadOnlyList<TimelineEntry> Latest(DbConnection connection, string device, int limit) =>
        [.. connection.Query<Row>(LatestSql, new { device, limit })
            .Select(row => new TimelineEntry(DateTimeOffset.FromUnixTimeMilliseconds(row.At), row.Kind, row.Text, row.Who))
            .Reverse()];

    private sealed class Row
    {
        public long At { get; init; }

        public string Kind { get; init; } = "";

        public string Text { get; init; } = "";

        public string? Who { get; init; }
    }
}
