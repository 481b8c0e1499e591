using System.Data.Common;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Audit;

/// <summary>One line of the audit log; numbers grow by one, so a gap would show.</summary>
public sealed record AuditEntry(long Number, DateTimeOffset At, string Who, string Action, string Subject, string? Detail);

/// <summary>Who did what to what, when. Appended in the transaction of the deed itself, so neither is there without the other.</summary>
internal static class AuditLog
{
    private const string AppendSql =
        "INSERT INTO audit (number, at, who, action, subject, detail) VALUES (@number, @at, @who, @action, @subject, @detail)";

    private const string PageSql =
        "SELECT number, at, who, action, subject, detail FROM audit WHERE number > @after ORDER BY number LIMIT @limit";

    private const string LatestSql =
        "SELECT number, at, who, action, subject, detail FROM audit WHERE number < @before ORDER BY number DESC LIMIT @limit";

    public static void Append(
        DbConnection connection, long at, string who, string action, string subject, string? detail = null) =>
        connection.Execute(AppendSql, new { number = Counters.Next(connection, Counters.Audit), at, who, action, subject, detail });

    public static IReadOnlyList<AuditEntry> Page(DbConnection connection, long after, int limit) =>
        [.. connection.Query<Row>(PageSql, new { after, limit }).Select(row => row.ToEntry())];

    /// <summary>Newest first.</summary>
    public static IReadOnlyList<AuditEntry> Latest(DbConnection connection, long before, int limit) =>
        [.. connection.Query<Row>(LatestSql, new { before, limit }).Select(row => row.ToEntry())];

    private sealed class Row
    {
        public long Number { get; init; }

        public long At { get; init; }

        public string Who { get; init; } = "";

        public string Action { get; init; } = "";

        public string Subject { get; init; } = "";

        public string? Detail { get; init; }

        public AuditEntry ToEntry() => new(Number, DateTimeOffset.FromUnixTimeMilliseconds(At), Who, Action, Subject, Detail);
    }
}
