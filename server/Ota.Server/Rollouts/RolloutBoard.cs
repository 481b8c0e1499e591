using System.Collections.Concurrent;
using System.Collections.Immutable;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Releases;

namespace Ota.Server.Rollouts;

/// <summary>
/// A product's rollouts that are not over, latest first. A new one replaces it when anything changes, so sameness is "nothing new".
/// </summary>
internal sealed class ActiveRollouts(ImmutableList<Rollout> rollouts)
{
    public ImmutableList<Rollout> LatestFirst { get; } = rollouts;

    public Rollout? Find(long? id) => id is null ? null : LatestFirst.Find(rollout => rollout.Id == id);
}

/// <summary>The rollouts: those that are not over in memory, as every check-in looks at them.</summary>
internal sealed class RolloutBoard(Database database, TimeProvider time)
{
    private static readonly ActiveRollouts None = new([]);
    private readonly Lock _change = new();
    private readonly ConcurrentDictionary<long, RolloutGauge> _gauges = new();
    private ImmutableDictionary<string, ActiveRollouts> _byProduct =
        ImmutableDictionary.Create<string, ActiveRollouts>(StringComparer.Ordinal);

    public void Load()
    {
        lock (_change)
        {
            var (onBoard, begun) = database.Read(connection => (RolloutTable.OnBoard(connection), RolloutTable.Begun(connection)));
            foreach (var (rollout, count) in begun)
                GaugeOf(rollout).Learn(count);
            _byProduct = onBoard.GroupBy(rollout => rollout.Product)
                .ToImmutableDictionary(group => group.Key, group => new ActiveRollouts([.. group]), StringComparer.Ordinal);
        }
    }

    /// <summary>Takes over what another server did to the rollouts of these products; the others' boards stay the same.</summary>
    public void Load(IReadOnlyCollection<string> products)
    {
        // Read under the lock: what was read before a change of ours must not replace it.
        lock (_change)
        {
            var onBoard = database.Read(RolloutTable.OnBoard).ToLookup(rollout => rollout.Product);
            foreach (var product in products)
                Change(product, _ => [.. onBoard[product]]);
        }
    }

    public ActiveRollouts Of(string product) => _byProduct.GetValueOrDefault(product, None);

    /// <summary>Those of every product.</summary>
    public IEnumerable<Rollout> All => _byProduct.Values.SelectMany(board => board.LatestFirst);

    /// <summary>How far it has come, as far as this server has heard.</summary>
    public RolloutGauge GaugeOf(long rollout) => _gauges.GetOrAdd(rollout, static (_, time) => new RolloutGauge(time), time);

    /// <summary>Makes every device of the product look at its rollouts again, as when a build was added.</summary>
    public void Renew(string product) => Change(product, rollouts => rollouts);

    /// <summary>
    /// Starts a rollout; its id is given here. Takes the same time for ten devices as for a million. Null when one of the images it is to bring
    /// was given up this moment.
    /// </summary>
    /// <param name="onlyOnce">
    /// Whether it is left alone, and null, when the same person, or part of the server, started this version before.
    /// </param>
    public async Task<Rollout?> StartAsync(
        Rollout asked, IReadOnlyCollection<string> images, CancellationToken cancellation, Once onlyOnce = Once.No)
    {
        var started = await database.WriteAsync(
            connection =>
            {
                if (ImageTable.AnyGone(connection, images)
                    || (onlyOnce == Once.Yes && RolloutTable.IsFollowed(connection, asked.Product, asked.Version, asked.CreatedBy)))
                    return null;
                var rollout = asked with { Id = Counters.Next(connection, Counters.Instruction) };
                RolloutTable.Insert(connection, rollout);
                AuditLog.Append(
                    connection,
                    rollout.Created.ToUnixTimeMilliseconds(),
                    rollout.CreatedBy,
                    "rollout.start",
                    $"{rollout.Product} {rollout.Version}",
                    (rollout.Group is null ? "all devices" : "group " + rollout.Group)
                    + (rollout.Plan.Where is { } where ? " where " + where : ""));
                return rollout;
            },
            cancellation);
        if (started is not null)
            TakeOver(started);
        return started;
    }

    public IReadOnlyList<Rollout> List(string? product) => database.Read(connection => RolloutTable.List(connection, product));

    public Rollout? Find(long id) => database.Read(connection => RolloutTable.Find(connection, id));

    /// <summary>
    /// Changes a rollout's state or wave; null when another one has changed either since <paramref name="before"/> was read. One row changes,
    /// however many devices there are.
    /// </summary>
    /// <param name="after">Its new state, wave and reason; the rest follows from them.</param>
    /// <param name="action">For the audit log.</param>
    public async Task<Rollout?> ChangeAsync(
        Rollout before, Rollout after, string who, string action, CancellationToken cancellation)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var changed = after with
        {
            // Later than the last one, by whatever clock that was: it tells one change from another.
            Changed = now > before.Changed ? now : before.Changed.AddMilliseconds(1),
            Ended = after.State is RolloutState.Aborted or RolloutState.Returned or RolloutState.Completed ? now : null,
        };
        var isDone = await database.WriteAsync(
            connection =>
            {
                if (!RolloutTable.Change(connection, before, changed))
                    return false;
                AuditLog.Append(
                    connection, now.ToUnixTimeMilliseconds(), who, action, $"{before.Product} {before.Version}",
                    $"rollout {before.Id}" + (changed.Wave > before.Wave ? $", wave {changed.Wave}" : "")
                    + (string.IsNullOrEmpty(changed.StateReason) ? "" : ": " + changed.StateReason));
                RolloutEvents.Append(connection, before, changed, who);
                return true;
            },
            cancellation);
        if (!isDone)
        {
            Load([before.Product]);
            return null;
        }

        TakeOver(changed);
        return changed;
    }

    // Where several servers write, one of them may have changed it again before this one had the answer to its commit, and the change feed may
    // have taken that over: what is in the database counts.
    private void TakeOver(Rollout written)
    {
        if (database.IsShared)
            Load([written.Product]);
        else
            Change(written.Product, rollouts =>
                [.. rollouts.Where(there => there.Id != written.Id).Concat(written.IsOver ? [] : [written]).OrderByDescending(there => there.Id)]);
    }

    private void Change(string product, Func<ImmutableList<Rollout>, ImmutableList<Rollout>> change)
    {
        lock (_change)
            _byProduct = _byProduct.SetItem(product, new ActiveRollouts(change(Of(product).LatestFirst)));
    }
}

/// <summary>Whether what was done before is done again.</summary>
internal enum Once
{
    No,
    Yes,
}
