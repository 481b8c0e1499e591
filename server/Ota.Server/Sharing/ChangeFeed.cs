using System.Data.Common;
using Npgsql;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.People;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Staff;

namespace Ota.Server.Sharing;

/// <summary>
/// Takes over what other servers wrote to the same database, within a second: at once when PostgreSQL tells of it, and by looking once a second
/// in case a notice was missed. Of its own changes it reads those that are few, as another's may have come between one and its memory, or its
/// answer been lost; devices' facts are read anew under their locks. A server that slept for longer than changes are kept reads everything anew.
/// </summary>
internal sealed partial class ChangeFeed(
    Database database, ProductCatalog products, ReleaseCatalog releases, RolloutBoard rollouts, Fleet fleet, StaffDirectory staff,
    PeopleDirectory people, SystemPinWriter pins, TimeProvider time, ILogger<ChangeFeed> logger) : BackgroundService
{
    private const int MostAtOnce = 5000;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenPrunes = TimeSpan.FromMinutes(5);
    private long _position;
    private string _me = "";

    /// <summary>Remembers how far the changes have come, before everything is read; what comes after is taken over.</summary>
    public void Begin()
    {
        if (database is not PostgresDatabase shared)
            return;
        _me = shared.Me;
        _position = database.Read(Changes.Position);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync((PostgresDatabase)database, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault) when (fault is DbException or IOException or InvalidOperationException or TimeoutException)
            {
                Log.Lost(logger, fault.Message);
                await Task.Delay(Look, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task FollowAsync(PostgresDatabase shared, CancellationToken stopping)
    {
        await using var listening = await shared.ListenAsync(stopping);
        var pruneAt = time.GetUtcNow() + BetweenPrunes;
        while (true)
        {
            await TakeOverLostAsync(shared, stopping);
            while (await TakeOverAsync(shared, stopping))
            {
                // There was more than is read at once.
            }

            if (time.GetUtcNow() >= pruneAt)
            {
                await database.WriteAsync(Changes.Prune, stopping);
                pruneAt = time.GetUtcNow() + BetweenPrunes;
            }

            await listening.WaitAsync(Look, stopping);
        }
    }

    // The writer's connection broke, and nobody knows whether its last commit was done. If it was, it may have been read here as its own.
    private async Task TakeOverLostAsync(PostgresDatabase shared, CancellationToken stopping)
    {
        var me = shared.Me;
        if (me == _me)
            return;
        await fleet.RenewAsync(database.Read(connection => Changes.LastDevicesOf(connection, _me)), stopping);
        _me = me;
    }

    /// <summary>True when there may be more.</summary>
    private async Task<bool> TakeOverAsync(PostgresDatabase shared, CancellationToken stopping)
    {
        var changes = database.Read(connection => Changes.Since(connection, _position, MostAtOnce));
        if (changes.Count == 0)
            return false;
        if (changes[0].Seq > _position + 1 && database.Read(Changes.Oldest) == changes[0].Seq)
            await TakeAllOverAsync(stopping);
        var all = changes.ToLookup(change => change.Kind, change => change.Key);
        var others = changes.Where(change => change.Server != shared.Me).ToLookup(change => change.Kind, change => change.Key);
        if (all.Contains("product"))
            products.Load();
        if (all.Contains("image") && !all.Contains("release"))
            releases.Load();
        if (all.Contains("release"))
        {
            releases.Load();
            foreach (var product in all["release"].Distinct())
                rollouts.Renew(product);
        }

        if (all.Contains("rollout"))
            rollouts.Load([.. all["rollout"].Distinct()]);
        if (all.Contains("staff"))
            staff.Load();
        if (all.Contains("person"))
            people.Load();
        await fleet.RenewAsync([.. others["device"].Distinct()], stopping);
        foreach (var heard in others[Changes.Heard])
            fleet.RenewHeard(heard.Split(','));
        foreach (var device in others[Changes.Pin].SelectMany(written => written.Split(',')).Distinct())
            pins.Forget(device);
        _position = changes[^1].Seq;
        return changes.Count == MostAtOnce;
    }

    private async Task TakeAllOverAsync(CancellationToken stopping)
    {
        Log.Anew(logger);
        products.Load();
        releases.Load();
        rollouts.Load();
        staff.Load();
        people.Load();
        await fleet.RenewAsync(database.Read(Fleet.AllIds), stopping);
        pins.ForgetAll();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "What other servers change is not heard of ({Reason}); trying again.")]
        public static partial void Lost(ILogger logger, string reason);

        [LoggerMessage(2, LogLevel.Information, "This server slept; it reads everything anew.")]
        public static partial void Anew(ILogger logger);
    }
}
