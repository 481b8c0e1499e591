using System.Data.Common;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Rollouts;

/// <summary>The rows of rollouts, of their waves and of how many have begun.</summary>
internal static class RolloutTable
{
    private const string Columns =
        """
        id, product, version, hardware, target, group_name, state, created, created_by, ended, plan, wave, starts, changed, forgiven,
        state_reason
        """;

    private const string OnBoardSql = $"SELECT {Columns} FROM rollouts WHERE state NOT IN ('aborted', 'returned') ORDER BY id DESC";

    private const string ListSql =
        $"SELECT {Columns} FROM rollouts WHERE (@product IS NULL OR product = @product) ORDER BY id DESC LIMIT 1000";

    private const string OneSql = $"SELECT {Columns} FROM rollouts WHERE id = @id";

    private const string InsertSql =
        """
        INSERT INTO rollouts (id, product, version, kind, hardware, target, group_name, state, created, created_by, plan, wave, starts, changed)
        VALUES (@Id, @Product, @Version, 'application', @Hardware, @Target, @GroupName, @State, @Created, @CreatedBy, @Plan, @Wave, @Starts,
                @Changed)
        """;

    // Whoever decided did so on this state and this wave; two servers, or a person and the clock, never do it twice.
    private const string ChangeSql =
        """
        UPDATE rollouts SET state = @State, wave = @Wave, ended = @Ended, starts = @Starts, changed = @Changed, forgiven = @Forgiven,
               state_reason = @StateReason
        WHERE id = @Id AND state = @beforeState AND wave = @beforeWave
        """;

    private const string OpenSql = "INSERT INTO rollout_waves (rollout, wave, opened) VALUES (@rollout, @wave, @at)";

    private const string OpenedSql = "SELECT wave, opened FROM rollout_waves WHERE rollout = @id";

    private const string CountFromZeroSql = "INSERT INTO rollout_begun (rollout, begun) VALUES (@id, 0)";

    private const string AdmitSql = "UPDATE rollout_begun SET begun = begun + 1 WHERE rollout = @rollout AND begun < @most RETURNING begun";

    // The generic cell rate algorithm (ITU-T I.371) with room for a minute's worth.
    private const string PaceSql =
        """
        UPDATE rollout_begun SET paced = CASE WHEN paced > @now THEN paced ELSE @now END + @pause
        WHERE rollout = @rollout AND paced <= @now + @minute - @pause
        """;

    private const string BegunSql =
        """
        SELECT b.rollout, b.begun FROM rollout_begun b JOIN rollouts r ON r.id = b.rollout WHERE r.state NOT IN ('aborted', 'returned')
        """;

    private const string BegunOfSql = "SELECT begun FROM rollout_begun WHERE rollout = @rollout";

    private const string FollowedSql =
        "SELECT count(*) FROM rollouts WHERE product = @product AND version = @version AND created_by = @who";

    public static IReadOnlyList<Rollout> OnBoard(DbConnection connection) =>
        [.. connection.Query<Row>(OnBoardSql).Select(row => row.ToRollout())];

    public static IReadOnlyList<Rollout> List(DbConnection connection, string? product) =>
        [.. connection.Query<Row>(ListSql, new { product }).Select(row => row.ToRollout())];

    public static Rollout? Find(DbConnection connection, long id) =>
        connection.QuerySingleOrDefault<Row>(OneSql, new { id })?.ToRollout();

    public static void Insert(DbConnection connection, Rollout rollout)
    {
        connection.Execute(InsertSql, Row.Of(rollout));
        connection.Execute(CountFromZeroSql, new { id = rollout.Id });
        if (rollout.Wave > 0)
            Open(connection, rollout);
    }

    /// <summary>Writes a change of state or wave; false when somebody changed either first.</summary>
    public static bool Change(DbConnection connection, Rollout before, Rollout after)
    {
        var row = Row.Of(after);
        var isDone = connection.Execute(ChangeSql, new
        {
            row.Id, row.State, row.Wave, row.Ended, row.Starts, row.Changed, row.Forgiven, row.StateReason,
            beforeState = RolloutWords.Of(before.State), beforeWave = before.Wave,
        }) > 0;
        if (isDone && after.Wave > before.Wave)
            Open(connection, after);
        return isDone;
    }

    /// <summary>When each wave was opened.</summary>
    public static IReadOnlyDictionary<int, DateTimeOffset> Opened(DbConnection connection, long id) =>
        connection.Query<(long Wave, long At)>(OpenedSql, new { id })
            .ToDictionary(row => (int)row.Wave, row => DateTimeOffset.FromUnixTimeMilliseconds(row.At));

    /// <summary>Counts one more device that begins; how many have then, or null when so many had before.</summary>
    public static long? Admit(DbConnection connection, long rollout, long most) =>
        connection.ExecuteScalar<long?>(AdmitSql, new { rollout, most });

    /// <summary>Takes the room for one more device; false when so many have begun, at whichever server.</summary>
    /// <param name="rate">Devices in a minute.</param>
    public static bool Pace(DbConnection connection, long rollout, int rate, DateTimeOffset at)
    {
        const long Minute = 60_000_000;
        return connection.Execute(
            PaceSql, new { rollout, now = at.ToUnixTimeMilliseconds() * 1000, pause = Minute / rate, minute = Minute }) > 0;
    }

    public static IReadOnlyList<(long Rollout, long Begun)> Begun(DbConnection connection) =>
        connection.Query<(long, long)>(BegunSql).AsList();

    public static long Begun(DbConnection connection, long rollout) => connection.ExecuteScalar<long>(BegunOfSql, new { rollout });

    /// <summary>Whether a version has had its rollout by itself already.</summary>
    public static bool IsFollowed(DbConnection connection, string product, string version, string who) =>
        connection.ExecuteScalar<long>(FollowedSql, new { product, version, who }) > 0;

    private static void Open(DbConnection connection, Rollout rollout) =>
        connection.Execute(OpenSql, new { rollout = rollout.Id, wave = rollout.Wave, at = rollout.Changed.ToUnixTimeMilliseconds() });

    private sealed class Row
    {
        public long Id { get; init; }

        public string Product { get; init; } = "";

        public string Version { get; init; } = "";

        public string? Hardware { get; init; }

        public string Target { get; init; } = "";

        public string? GroupName { get; init; }

        public string State { get; init; } = "";

        public long Created { get; init; }

        public string CreatedBy { get; init; } = "";

        public long? Ended { get; init; }

        public string? Plan { get; init; }

        public long Wave { get; init; }

        public long? Starts { get; init; }

        public long? Changed { get; init; }

        public long? Forgiven { get; init; }

        public string? StateReason { get; init; }

        public static Row Of(Rollout rollout) => new()
        {
            Id = rollout.Id,
            Product = rollout.Product,
            Version = rollout.Version,
            Hardware = rollout.Hardware,
            Target = rollout.Target.ToString().ToLowerInvariant(),
            GroupName = rollout.Group,
            State = RolloutWords.Of(rollout.State),
            Created = rollout.Created.ToUnixTimeMilliseconds(),
            CreatedBy = rollout.CreatedBy,
            Ended = rollout.Ended?.ToUnixTimeMilliseconds(),
            Plan = rollout.Plan.ToJson(),
            Wave = rollout.Wave,
            Starts = rollout.Starts.ToUnixTimeMilliseconds(),
            Changed = rollout.Changed.ToUnixTimeMilliseconds(),
            Forgiven = rollout.Forgiven?.ToUnixTimeMilliseconds(),
            StateReason = rollout.StateReason,
        };

        public Rollout ToRollout() => new(
            Id,
            Product,
            Version,
            Hardware,
            Enum.Parse<RolloutTarget>(Target, ignoreCase: true),
            GroupName,
            Enum.Parse<RolloutState>(State, ignoreCase: true),
            DateTimeOffset.FromUnixTimeMilliseconds(Created),
            CreatedBy,
            Moment(Ended))
        {
            Plan = RolloutPlan.FromJson(Plan),
            Wave = (int)Wave,
            // A rollout from before there were waves has none of these.
            Starts = Moment(Starts ?? Created)!.Value,
            Changed = Moment(Changed ?? Created)!.Value,
            Forgiven = Moment(Forgiven),
            StateReason = StateReason,
        };

        private static DateTimeOffset? Moment(long? at) => at is { } known ? DateTimeOffset.FromUnixTimeMilliseconds(known) : null;
    }
}
