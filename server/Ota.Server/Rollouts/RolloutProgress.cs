using System.Data.Common;
using Dapper;

namespace Ota.Server.Rollouts;

/// <summary>What has come of a rollout, counted from its deployments.</summary>
internal static class RolloutProgress
{
    // A step that went well is not yet what the rollout is for: its device counts once that was handed out.
    private const string WavesSql =
        """
        SELECT wave, state,
               count(*) AS given,
               count(CASE WHEN ended > @forgiven THEN 1 END) AS since,
               count(CASE WHEN ended IS NULL AND offered <= @late THEN 1 END) AS silent,
               count(CASE WHEN ended IS NULL AND offered <= @late AND offered > @forgivenSilence THEN 1 END) AS silent_since,
               COALESCE(max(ended), 0) AS last
        FROM deployments
        WHERE rollout = @id AND purpose <> 'return' AND wave IS NOT NULL AND offered IS NOT NULL
          AND state NOT IN ('cancelled', 'withdrawn', 'superseded') AND NOT (purpose = 'step' AND state = 'confirmed')
        GROUP BY wave, state
        """;

    private const string AlertsSql =
        """
        SELECT d.wave, count(DISTINCT a.number) AS alerts FROM deployments d JOIN alerts a ON a.device = d.device
        WHERE d.rollout = @id AND d.purpose <> 'return' AND d.wave IS NOT NULL AND d.offered IS NOT NULL
          AND a.opened >= d.offered AND a.opened > @forgiven
        GROUP BY d.wave
        """;

    private const string CountsSql =
        """
        SELECT wave, purpose, state, count(*) AS count, count(CASE WHEN ended IS NULL AND offered <= @late THEN 1 END) AS silent,
               count(CASE WHEN ended IS NULL AND deferred IS NOT NULL AND offered IS NULL THEN 1 END) AS deferred
        FROM deployments WHERE rollout = @id GROUP BY wave, purpose, state ORDER BY state
        """;

    private const string BeforeSql =
        """
        SELECT returns FROM deployments WHERE rollout = @rollout AND device = @device AND purpose = 'target' AND state = 'confirmed'
          AND NOT EXISTS (SELECT 1 FROM deployments b WHERE b.rollout = @rollout AND b.device = @device AND b.purpose = 'return')
        ORDER BY id DESC LIMIT 1
        """;

    // What each device that got it, has had no later instruction and still runs it ran before.
    private const string ToReturnSql =
        """
        SELECT p.returns AS before, d.security_counter AS floor, count(*) AS devices
        FROM deployments p JOIN devices d ON d.id = p.device
        WHERE p.rollout = @id AND p.purpose = 'target' AND p.state = 'confirmed' AND d.instruction = @id AND d.release = p.release
          AND d.decommission IS NULL
          AND NOT EXISTS (SELECT 1 FROM deployments b WHERE b.rollout = @id AND b.device = p.device AND b.purpose = 'return')
        GROUP BY p.returns, d.security_counter
        """;

    private const string OpenSql = "SELECT count(*) FROM deployments WHERE rollout = @id AND ended IS NULL";

    private const string HasSteppedSql =
        """
        SELECT count(*) FROM deployments WHERE rollout = @rollout AND device = @device AND purpose = 'step' AND state = 'confirmed'
        """;

    /// <summary>Each wave so far, in order, for its rules.</summary>
    public static IReadOnlyList<WaveProgress> Waves(DbConnection connection, Rollout rollout, DateTimeOffset now)
    {
        var forgiven = rollout.Forgiven?.ToUnixTimeMilliseconds() ?? -1;
        var deadline = (long?)rollout.Plan.Deadline?.TotalMilliseconds;
        var late = deadline is null ? -1 : now.ToUnixTimeMilliseconds() - deadline.Value;
        var rows = connection.Query<WaveRow>(WavesSql, new
        {
            id = rollout.Id, forgiven, late, forgivenSilence = forgiven - (deadline ?? 0),
        }).ToLookup(row => (int)row.Wave);
        var alerts = rollout.Plan.Stop?.Terms.Any(term => term.Counts.HasFlag(WaveCount.Alerts)) == true
            ? connection.Query<(long Wave, long Alerts)>(AlertsSql, new { id = rollout.Id, forgiven })
                .ToDictionary(row => (int)row.Wave, row => row.Alerts)
            : [];
        return
        [
            .. Enumerable.Range(1, rollout.Wave).Select(wave => new WaveProgress(
                wave,
                rows[wave].Sum(row => row.Given),
                rows[wave].Where(row => row.State == "confirmed").Sum(row => row.Given),
                new WaveFaults(
                    Since(rows[wave], "failed") + Since(rows[wave], "expired"),
                    Since(rows[wave], "refused"),
                    Since(rows[wave], "reverted"),
                    rows[wave].Sum(row => row.SilentSince),
                    alerts.GetValueOrDefault(wave)),
                rows[wave].Where(row => row.State == "confirmed")
                    .Select(row => (DateTimeOffset?)DateTimeOffset.FromUnixTimeMilliseconds(row.Last)).FirstOrDefault())
            {
                Silent = rows[wave].Sum(row => row.Silent),
            }),
        ];
    }

    /// <summary>Its deployments by wave, purpose and state.</summary>
    public static IReadOnlyList<RolloutCount> Counts(DbConnection connection, Rollout rollout, DateTimeOffset now) =>
        connection.Query<RolloutCount>(CountsSql, new
        {
            id = rollout.Id,
            late = rollout.Plan.Deadline is { } deadline ? (now - deadline).ToUnixTimeMilliseconds() : -1,
        }).AsList();

    /// <summary>Whether a device got what the rollout brings, and has not been brought back yet; and what it ran before.</summary>
    public static (bool Got, string? Before) Before(DbConnection connection, long rollout, string device) =>
        connection.QuerySingleOrDefault<BeforeRow>(BeforeSql, new { rollout, device }) is { } row ? (true, row.Returns) : (false, null);

    /// <summary>Devices that are to be brought back, by what they ran before and their floor.</summary>
    public static IReadOnlyList<ReturnRow> ToReturn(DbConnection connection, long id) =>
        connection.Query<ReturnRow>(ToReturnSql, new { id }).AsList();

    public static long Open(DbConnection connection, long id) => connection.ExecuteScalar<long>(OpenSql, new { id });

    /// <summary>Whether a device was let in before, for the step that it has taken since.</summary>
    public static bool HasStepped(DbConnection connection, long rollout, string device) =>
        connection.ExecuteScalar<long>(HasSteppedSql, new { rollout, device }) > 0;

    private static long Since(IEnumerable<WaveRow> rows, string state) => rows.Where(row => row.State == state).Sum(row => row.Since);

    private sealed class WaveRow
    {
        public long Wave { get; init; }

        public string State { get; init; } = "";

        public long Given { get; init; }

        public long Since { get; init; }

        public long Silent { get; init; }

        public long SilentSince { get; init; }

        public long Last { get; init; }
    }

    private sealed class BeforeRow
    {
        public string? Returns { get; init; }
    }
}

/// <summary>How many deployments of a rollout have this in common.</summary>
internal sealed class RolloutCount
{
    public long? Wave { get; init; }

    public string Purpose { get; init; } = "";

    public string State { get; init; } = "";

    public long Count { get; init; }

    public long Silent { get; init; }

    public long Deferred { get; init; }
}

/// <summary>How many devices of a rollout that is returned ran this before and have this floor.</summary>
internal sealed class ReturnRow
{
    public string? Before { get; init; }

    public long Floor { get; init; }

    public long Devices { get; init; }
}
