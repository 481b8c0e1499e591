using System.Collections.Immutable;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Releases;

namespace Ota.Server.Rollouts;

/// <summary>A product's active rollouts, latest first. A new one replaces it when anything changes, so sameness is "nothing new".</summary>
internal sealed class ActiveRollouts(ImmutableList<Rollout> rollouts)
{
    public ImmutableList<Rollout> LatestFirst { get; } = rollouts;
}

/// <summary>The rollouts: the active ones in memory, as every check-in looks at them.</summary>
internal sealed class RolloutBoard(Database database, TimeProvider time)
{
    private const string Columns = "id, product, version, hardware, target, group_name, state, created, created_by, ended";

    private const string ActiveSql = $"SELECT {Columns} FROM rollouts WHERE state = 'active' ORDER BY id DESC";

    private const string ListSql =
        $"SELECT {Columns} FROM rollouts WHERE (@product IS NULL OR product = @product) ORDER BY id DESC LIMIT 1000";

    private const string OneSql = $"SELECT {Columns} FROM rollouts WHERE id = @id";

    private const string InsertSql =
        """
        INSERT INTO rollouts (id, product, version, kind, hardware, target, group_name, state, created, created_by)
        VALUES (@id, @Product, @Version, 'application', @Hardware, @target, @Group, 'active', @created, @CreatedBy)
        """;

    private const string AbortSql = "UPDATE rollouts SET state = 'aborted', ended = @now WHERE id = @id AND state = 'active'";

    private const string CountsSql = "SELECT state, count(*) FROM deployments WHERE rollout = @id GROUP BY state ORDER BY state";

    private static readonly ActiveRollouts None = new([]);
    private readonly Lock _change = new();
    private ImmutableDictionary<string, ActiveRollouts> _byProduct =
        ImmutableDictionary.Create<string, ActiveRollouts>(StringComparer.Ordinal);

    public void Load()
    {
        var active = database.Read(connection => connection.Query<Row>(ActiveSql).AsList()).Select(row => row.ToRollout());
        _byProduct = active.GroupBy(rollout => rollout.Product)
            .ToImmutableDictionary(group => group.Key, group => new ActiveRollouts([.. group]), StringComparer.Ordinal);
    }

    /// <summary>Takes over what another server did to the rollouts of these products; the others' boards stay the same.</summary>
    public void Load(IReadOnlyCollection<string> products)
    {
        var active = database.Read(connection => connection.Query<Row>(ActiveSql).AsList()).Select(row => row.ToRollout())
            .ToLookup(rollout => rollout.Product);
        foreach (var product in products)
            Change(product, _ => [.. active[product]]);
    }

    public ActiveRollouts Of(string product) => _byProduct.GetValueOrDefault(product, None);

    /// <summary>Makes every device of the product look at its rollouts again, as when a build was added.</summary>
    public void Renew(string product) => Change(product, rollouts => rollouts);

    /// <summary>
    /// Starts a rollout; its id is given here. Takes the same time for ten devices as for a million. Null when one of the images it is to bring
    /// was given up this moment.
    /// </summary>
    public async Task<Rollout?> StartAsync(Rollout asked, IReadOnlyCollection<string> images, CancellationToken cancellation)
    {
        var started = await database.WriteAsync(
            connection =>
            {
                if (ImageTable.AnyGone(connection, images))
                    return null;
                var rollout = asked with { Id = Counters.Next(connection, Counters.Instruction) };
                var target = rollout.Target.ToString().ToLowerInvariant();
                var created = rollout.Created.ToUnixTimeMilliseconds();
                connection.Execute(InsertSql, new
                {
                    id = rollout.Id, rollout.Product, rollout.Version, rollout.Hardware, target, rollout.Group, created, rollout.CreatedBy,
                });
                AuditLog.Append(connection, created, rollout.CreatedBy, "rollout.start", $"{rollout.Product} {rollout.Version}",
                    rollout.Group is null ? "all devices" : "group " + rollout.Group);
                return rollout;
            },
            cancellation);
        if (started is not null)
            Change(started.Product, rollouts => rollouts.Insert(0, started));
        return started;
    }

    public IReadOnlyList<Rollout> List(string? product) =>
        database.Read(connection => connection.Query<Row>(ListSql, new { product }).Select(row => row.ToRollout()).ToArray());

    public Rollout? Find(long id) =>
        database.Read(connection => connection.QuerySingleOrDefault<Row>(OneSql, new { id }))?.ToRollout();

    /// <summary>How many of its deployments stand where.</summary>
    public IReadOnlyDictionary<string, long> Counts(long id) =>
        database.Read(connection => connection.Query<(string State, long Count)>(CountsSql, new { id })
            .ToDictionary(row => row.State, row => row.Count));

    /// <summary>Ends a rollout; the same again changes nothing.</summary>
    public async Task<Rollout> AbortAsync(Rollout rollout, string who, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await database.WriteAsync(
            connection =>
            {
                var at = now.ToUnixTimeMilliseconds();
                if (connection.Execute(AbortSql, new { id = rollout.Id, now = at }) > 0)
                    AuditLog.Append(connection, at, who, "rollout.abort", $"{rollout.Product} {rollout.Version}", $"rollout {rollout.Id}");
            },
            cancellation);
        Change(rollout.Product, rollouts => rollouts.RemoveAll(active => active.Id == rollout.Id));
        return rollout with { State = RolloutState.Aborted, Ended = rollout.Ended ?? now };
    }

    private void Change(string product, Func<ImmutableList<Rollout>, ImmutableList<Rollout>> change)
    {
        lock (_change)
            _byProduct = _byProduct.SetItem(product, new ActiveRollouts(change(Of(product).LatestFirst)));
    }

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
            Ended is { } ended ? DateTimeOffset.FromUnixTimeMilliseconds(ended) : null);
    }
}
