using System.Collections.Concurrent;
using System.Data.Common;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Evidence;
using Ota.Server.Products;
using Ota.Server.Sharing;
using Ota.Server.Telemetry;

namespace Ota.Server.Alerts;

/// <summary>
/// Watches every device from memory: what its check-ins say as they come, and silence by looking over the fleet. Of most there is nothing to
/// remember but the last check-in, which the fleet knows. What opens or closes is written behind, within a second, and kept in a bounded number for each device while the disk does not take
/// it. A crash loses at most that second: what is open is loaded at the start, and what was about to open is judged anew from the samples.
/// </summary>
internal sealed partial class AlertWatch(
    Fleet fleet, ProductCatalog products, Database database, ServerRuns runs, Duty duty, StrandedRecoveries recoveries, Meters meters, TimeProvider time,
    ILogger<AlertWatch> logger)
    : BackgroundService
{
    private const int Batch = 200;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BetweenSignsOfLife = TimeSpan.FromMinutes(1);

    // What a server writes behind comes a second late, and by a clock of its own; judged in the order in which it was said.
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenPrunings = TimeSpan.FromMinutes(10);
    private readonly ConcurrentDictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Watched> _changed = new();
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private int _term;

    // Samples of several servers that were judged already; they are read again for a while, in case one comes late.
    private HashSet<(string Device, long At)> _judged = [];

    /// <summary>Devices whose alerts are to be written.</summary>
    public int Waiting => _changed.Count;

    /// <summary>Memory from disk, after the fleet's.</summary>
    public void Load() => Load(DateTimeOffset.MaxValue);

    // Where samples are read as they come, those from then on are yet to be judged.
    private void Load(DateTimeOffset until) =>
        database.Read(connection =>
        {
            // Another server's device may be on disk before this one has heard of it; it has yet to be watched here.
            foreach (var (id, kind, open) in AlertTable.AllOpen(connection))
            {
                if (fleet.Find(id) is { } device)
                    Of(device).Load(kind, open);
            }

            var since = time.GetUtcNow() - AlertPolicy.Within;
            foreach (var (id, sample, beforeAt, beforeStarts) in AlertTable.Restarts(connection, since, until))
            {
                if (fleet.Find(id) is not { } device)
                    continue;
                var watched = Of(device);
                var known = watched.Readings;
                var then = AlertPolicy.After(known with { At = beforeAt, Starts = beforeStarts }, sample);
                watched.Readings = known with { Restarts = then.Restarts };
            }

            foreach (var device in AlertTable.Between(connection, until, DateTimeOffset.MaxValue).Select(said => said.Device).Distinct())
            {
                if (!_watched.TryGetValue(device, out var watched))
                    continue;
                var before = AlertTable.LastBefore(connection, device, until);
                watched.Readings = watched.Readings with { At = before?.At ?? 0, Starts = before?.Restarts ?? 0 };
            }

            foreach (var device in fleet.All.Where(IsAboutTheSignal))
            {
                var watched = Of(device);
                var then = AlertTable.Latest(connection, device.Id, AlertPolicy.InARow)
                    .Aggregate(Readings.None, AlertPolicy.After);
                watched.Readings = watched.Readings with { Weak = then.Weak, Good = then.Good };
            }

            return 0;
        });

    /// <summary>Judges a check-in that was kept as a sample: once a minute and device at the most, or when it has started since.</summary>
    /// <param name="last">What was heard before it.</param>
    public void Heard(Device device, Heard? last, Sample sample)
    {
        // Where several servers share the check-ins, the one whose duty it is reads what all of them kept.
        if (!database.IsShared)
            Judge(device, After(last), sample);
    }

    private void Judge(Device device, Readings before, Sample sample)
    {
        if (!_watched.ContainsKey(device.Id) && AlertPolicy.After(before, sample).IsQuiet)
            return;
        var watched = _watched.GetOrAdd(device.Id, static (_, one) => new Watched(one.device) { Readings = one.before }, (device, before));
        lock (watched)
        {
            var readings = AlertPolicy.After(watched.Readings, sample);
            watched.Readings = readings;
            Set(watched, AlertKind.Silent, sample.At, null);
            var isLooping = AlertPolicy.IsCrashLooping(watched.Open(AlertKind.CrashLoop) is not null, readings);
            Set(watched, AlertKind.CrashLoop, sample.At, isLooping
                ? () => Say($"restarted {AlertPolicy.Restarts} times within an hour and nobody meant it (last cause: {sample.Cause})")
                : null);
            var isWeak = AlertPolicy.IsWeak(watched.Open(AlertKind.WeakSignal) is not null, readings);
            Set(watched, AlertKind.WeakSignal, sample.At, isWeak
                ? () => Say($"{sample.Rssi} dBm, worse than −80 dBm {AlertPolicy.InARow} times in a row")
                : null);
        }
    }

    /// <summary>
    /// What is open now, as this server knows it: from memory, or where several share the watching, as it is on disk.
    /// </summary>
    public IReadOnlyList<(string Device, AlertKind Kind, OpenAlert Open)> AllOpen()
    {
        if (database.IsShared)
            return database.Read(AlertTable.AllOpen);
        var open = new List<(string, AlertKind, OpenAlert)>();
        foreach (var watched in _watched.Values)
        {
            foreach (var kind in Enum.GetValues<AlertKind>())
            {
                if (watched.Open(kind) is { } alert)
                    open.Add((watched.Device.Id, kind, alert));
            }
        }

        return open;
    }

    /// <summary>Looks over the fleet for who is silent or stranded, and for who is watched no longer.</summary>
    public void Sweep()
    {
        var now = time.GetUtcNow();
        foreach (var device in fleet.All)
        {
            if (!_watched.TryGetValue(device.Id, out var watched) && !IsSilent(device, now) && !IsStranded(device))
                continue;
            watched ??= Of(device);
            lock (watched)
                Sweep(watched, now);
        }
    }

    /// <summary>Writes what has changed by now.</summary>
    public async Task FlushAsync()
    {
        // One at a time, or a closing could be written before its opening.
        await _flushing.WaitAsync();
        try
        {
            foreach (var batch in Due().Chunk(Batch))
            {
                if (!await WriteAsync(batch))
                    return;
            }
        }
        finally
        {
            _flushing.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var (sweepAt, aliveAt, pruneAt) = (time.GetUtcNow() + BetweenSweeps, DateTimeOffset.MinValue, DateTimeOffset.MinValue);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var now = time.GetUtcNow();
                if (now >= aliveAt)
                {
                    await TryAsync(runs.AliveAsync);
                    aliveAt = now + BetweenSignsOfLife;
                }

                if (database.IsShared && !await TryAsync(() => Task.Run(ReadOthers, stoppingToken)))
                    continue;
                if (!duty.IsMine)
                    continue;
                if (now >= sweepAt)
                {
                    Sweep();
                    sweepAt = now + BetweenSweeps;
                }

                await FlushAsync();

                if (now >= pruneAt)
                {
                    await TryAsync(() => database.WriteAsync(connection => AlertTable.Prune(connection, now), CancellationToken.None));
                    pruneAt = now + BetweenPrunings;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: what has changed is written now.
        }

        await FlushAsync();
        await TryAsync(runs.AliveAsync);
    }

    // A term begins with what is on disk; then come the samples that all servers have kept since.
    private void ReadOthers()
    {
        if (!duty.IsMine)
            return;
        var now = time.GetUtcNow();
        if (_term != duty.Terms)
        {
            _changed.Clear();
            _watched.Clear();
            _judged.Clear();
            Load(now - Late);
            _term = duty.Terms;
        }

        database.Read(connection =>
        {
            var said = AlertTable.Between(connection, now - Overlap, now - Late);
            foreach (var (id, sample) in said)
            {
                if (_judged.Contains((id, sample.At)) || fleet.Find(id) is not { } device)
                    continue;
                var before = _watched.ContainsKey(id)
                    ? null : AlertTable.LastBefore(connection, id, DateTimeOffset.FromUnixTimeMilliseconds(sample.At));
                Judge(device, before is null ? Readings.None : Readings.None with { At = before.At, Starts = before.Restarts }, sample);
            }

            _judged = [.. said.Select(one => (one.Device, one.Sample.At))];
            return 0;
        });
    }

    private Watched Of(Device device) =>
        _watched.GetOrAdd(device.Id, static (_, device) => new Watched(device) { Readings = After(device.Heard) }, device);

    private static Readings After(Heard? last) =>
        last is null ? Readings.None : Readings.None with { At = last.At.ToUnixTimeMilliseconds(), Starts = last.CheckIn.Restart.Count };

    // What a streak is made of must be read only where there may be one.
    private bool IsAboutTheSignal(Device device) =>
        device.Heard is { CheckIn.Rssi: < AlertPolicy.WeakerThan }
        || (_watched.TryGetValue(device.Id, out var watched) && watched.Open(AlertKind.WeakSignal) is not null);

    private bool IsSilent(Device device, DateTimeOffset now) =>
        device is { CheckedIn: true, Decommissioned: null, Heard: { } heard }
        && now > heard.Next
        && products.Find(device.Product) is { } product
        && now >= AlertPolicy.SilentFrom(heard.Next, product.Poll, device.Id, runs.Downtimes);

    private bool IsStranded(Device device) => device is { Decommissioned: null, Heard: { } heard } && recoveries.IsStranded(device, heard.CheckIn);

    private void Sweep(Watched watched, DateTimeOffset now)
    {
        var (device, at) = (watched.Device, now.ToUnixTimeMilliseconds());
        if (device is not { CheckedIn: true, Decommissioned: null, Heard: { } heard })
        {
            // Without an identity in use there is nothing to be watched.
            foreach (var kind in Enum.GetValues<AlertKind>())
                Set(watched, kind, at, null);
            return;
        }

        Set(watched, AlertKind.Stranded, at, IsStranded(device)
            ? () => Say($"runs the recovery build {heard.CheckIn.Running}, and nothing is under way that brings it back; order a release for it")
            : null);
        var silent = watched.Open(AlertKind.Silent);
        if (device.Open is { Action: DeploymentAction.Decommission } || heard.At.ToUnixTimeMilliseconds() > silent?.At)
            Set(watched, AlertKind.Silent, at, null);
        else if (silent is null && IsSilent(device, now))
            Set(watched, AlertKind.Silent, at, () =>
                Say($"missed {AlertPolicy.Missed} check-ins, last heard {heard.At:yyyy-MM-dd HH:mm} UTC"));
    }

    private void Set(Watched watched, AlertKind kind, long at, Func<string>? detail)
    {
        if (watched.Set(kind, at, detail))
            Add(watched);
    }

    private void Add(Watched watched)
    {
        if (Interlocked.Exchange(ref watched.Queued, 1) == 0)
            _changed.Enqueue(watched);
    }

    private IEnumerable<Watched> Due()
    {
        for (var left = _changed.Count; left > 0 && _changed.TryDequeue(out var watched); left--)
        {
            // Before it is read: what changes from now on queues it again.
            Volatile.Write(ref watched.Queued, 0);
            yield return watched;
        }
    }

    private async Task<bool> WriteAsync(Watched[] batch)
    {
        var taken = new List<(Watched Watched, AlertChange[] Changes)>(batch.Length);
        foreach (var watched in batch)
        {
            lock (watched)
                taken.Add((watched, watched.Take()));
        }

        AlertChange[] changes = [.. taken.SelectMany(one => one.Changes).OrderBy(change => change.At)];
        var isMine = true;
        if (await TryAsync(async () => isMine = await database.WriteAsync(connection => WriteIfMine(connection, changes), CancellationToken.None)))
        {
            if (isMine)
                Array.ForEach(changes, Said);
            else
                _term = 0;
            return isMine;
        }

        foreach (var (watched, back) in taken)
        {
            lock (watched)
                watched.PutBack(back);
            Add(watched);
        }

        return false;
    }

    // What was judged before another server took the duty may be over by now, and that one would not know that it is open.
    private bool WriteIfMine(DbConnection connection, AlertChange[] changes)
    {
        if (!duty.IsMineIn(connection))
            return false;
        Array.ForEach(changes, change => AlertTable.Write(connection, change));
        return true;
    }

    private void Said(AlertChange change)
    {
        meters.Alert(AlertWords.Of(change.Kind), change.Detail is null ? "closed" : "opened");
        if (change.Detail is { } detail)
            Log.Opened(logger, change.Device.Id, AlertWords.Of(change.Kind), detail);
        else
            Log.Closed(logger, change.Device.Id, AlertWords.Of(change.Kind));
    }

    private async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (DbException fault)
        {
            Log.Delayed(logger, fault.Message);
            return false;
        }
    }

    private static string Say(FormattableString text) => FormattableString.Invariant(text);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Device}: alert {Kind}: {Detail}.")]
        public static partial void Opened(ILogger logger, string device, string kind, string detail);

        [LoggerMessage(2, LogLevel.Information, "{Device}: alert {Kind} is over.")]
        public static partial void Closed(ILogger logger, string device, string kind);

        [LoggerMessage(3, LogLevel.Error, "Alerts could not be written ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string reason);
    }
}
