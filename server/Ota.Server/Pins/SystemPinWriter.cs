using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;

namespace Ota.Server.Pins;

/// <summary>
/// Writes what the server says by pins: status, restart cause and signal. It is told of every check-in, report and change of a deployment, and
/// writes behind, in batches, within half a second; a crash loses at most that, and the next check-in says it again. (The version pin is written
/// with the confirmation itself.) While the disk does not take it a device stays queued once, with its latest values.
/// </summary>
internal sealed partial class SystemPinWriter(
    Database database, PinLines lines, ReleaseCatalog releases, TimeProvider time, ILogger<SystemPinWriter> logger) : BackgroundService
{
    private const int Batch = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    // Longer than it takes to hear of what another server wrote.
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, Saying> _sayings = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Saying> _queue = new();

    /// <summary>Writes to pins that are to be kept.</summary>
    public int Waiting => _queue.Count;

    // What was taken first is written first: else an older end could stand over "checking" for good.
    private readonly Lock _order = new();

    /// <summary>A device checked in.</summary>
    /// <param name="before">What it said the time before; null for the first time.</param>
    /// <param name="about">The deployment that it has, or that ended by this; null when it may keep what it runs and nothing is under way.</param>
    public void Heard(Device device, CheckIn? before, CheckIn now, Deployment? about)
    {
        var restarted = before is null || before.Restart.Count != now.Restart.Count;
        var moved = now.Rssi != 0 && before?.Rssi != now.Rssi;
        var saying = Of(device);
        if (about is null && database.IsShared)
            Volatile.Write(ref saying.LastHold, Now().ToUnixTimeMilliseconds());
        if (!restarted && !moved && about is null && saying.HasEnd)
            return;
        lock (saying)
        {
            saying.Generation = device.Generation;
            if (restarted)
                saying.Cause = now.Restart.Cause;
            if (moved)
                saying.Rssi = now.Rssi;
            if (about is not null)
                (saying.Status, saying.HeldAt) = (Text(about), null);
            else
                saying.HeldAt = saying.HasEnd ? saying.HeldAt : DateTimeOffset.MaxValue;
        }

        Queue(saying);
    }

    /// <summary>A deployment came to stand otherwise.</summary>
    public void Moved(Device device, Deployment deployment)
    {
        var saying = Of(device);
        lock (saying)
        {
            saying.Generation = device.Generation;
            saying.Status = Text(deployment);
            saying.HeldAt = null;
        }

        Queue(saying);
    }

    /// <summary>The device was told to ask now: on disk before it hears of it, so that what comes of it comes after.</summary>
    public async Task CheckingAsync(Device device, CancellationToken cancellation)
    {
        var (saying, at, generation) = (Of(device), Now(), device.Generation);
        Task write;
        lock (_order)
        {
            lock (saying)
                (saying.Status, saying.HeldAt, saying.HasEnd) = (null, null, false);
            write = database.WriteAsync(
                connection =>
                {
                    Write(connection, device.Id, generation, SystemPin.Status, StatusPolicy.Checking, at);
                    if (database.IsShared)
                        Changes.NotePins(connection, [device.Id]);
                },
                cancellation);
        }

        await write;
        lines.Ring(device.Id);
    }

    /// <summary>Another server wrote to pins of this device: what was known of its status is not known any more.</summary>
    public void Forget(string device)
    {
        if (_sayings.TryGetValue(device, out var saying))
            Forget(saying);
        lines.Ring(device);
    }

    /// <summary>As <see cref="Forget"/>, of every device.</summary>
    public void ForgetAll()
    {
        foreach (var saying in _sayings.Values)
            Forget(saying);
        lines.RingAll();
    }

    /// <summary>Writes what waits now.</summary>
    public async Task FlushAsync()
    {
        foreach (var batch in Due().Chunk(Batch))
        {
            Said[] taken;
            Task<List<string>> write;
            lock (_order)
            {
                taken = Array.ConvertAll(batch, saying => saying.Take());
                write = database.WriteAsync(connection => Write(connection, taken), CancellationToken.None);
            }

            try
            {
                (await write).ForEach(lines.Ring);
            }
            catch (DbException fault)
            {
                Log.Delayed(logger, batch.Length, fault.Message);
                foreach (var (saying, said) in batch.Zip(taken))
                {
                    saying.PutBack(said);
                    Queue(saying);
                }

                return;
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await FlushAsync();
        }
        catch (OperationCanceledException)
        {
            // Stopping: what waits is written now.
        }

        await FlushAsync();
    }

    // The device may have been told there to ask, and have asked here, before we heard of it: then it says "checking" still.
    private void Forget(Saying saying)
    {
        var held = DateTimeOffset.FromUnixTimeMilliseconds(Volatile.Read(ref saying.LastHold));
        lock (saying)
        {
            saying.HasEnd = false;
            if (held < Now() - Remembered || saying.Status is not null)
                return;
            saying.HeldAt ??= held;
        }

        Queue(saying);
    }

    private Saying Of(Device device) => _sayings.GetOrAdd(device.Id, static id => new Saying(id));

    private string Text(Deployment deployment) =>
        StatusPolicy.Of(deployment, deployment.Release is { } release ? releases.Find(release)?.Version : null);

    private void Queue(Saying saying)
    {
        if (Interlocked.Exchange(ref saying.Queued, 1) == 0)
            _queue.Enqueue(saying);
    }

    private IEnumerable<Saying> Due()
    {
        for (var left = _queue.Count; left > 0 && _queue.TryDequeue(out var saying); left--)
        {
            // Before it is taken: what is said from now on queues it again.
            Volatile.Write(ref saying.Queued, 0);
            yield return saying;
        }
    }

    /// <summary>The devices of which something was written.</summary>
    private List<string> Write(DbConnection connection, Said[] batch)
    {
        var (at, there, written) = (Now(), Statuses(connection, batch), new HashSet<string>(StringComparer.Ordinal));
        Write(SystemPin.RestartCause, said => said.Cause);
        Write(SystemPin.Rssi, said => said.Rssi?.ToString(CultureInfo.InvariantCulture));
        Write(SystemPin.Status, said => Status(said, there.TryGetValue(said.Device, out var status) ? status : null));
        if (database.IsShared && written.Count > 0)
            Changes.NotePins(connection, written);
        return [.. written];

        void Write(SystemPin pin, Func<Said, string?> value)
        {
            var values = batch.Select(said => (said.Device, said.Generation, Value: value(said)!)).Where(said => said.Value is not null).ToArray();
            if (values.Length == 0)
                return;
            written.UnionWith(database.IsShared
                ? PinBatch.Write(connection, PinPolicy.Kept(pin), values, at)
                : values.Where(said => SystemPinWriter.Write(connection, said.Device, said.Generation, pin, said.Value, at)).Select(said => said.Device));
        }
    }

    // What the status pins say of those whose news depends on it.
    private Dictionary<string, (string Value, DateTimeOffset At)> Statuses(DbConnection connection, Said[] batch)
    {
        var (kept, devices) = (PinPolicy.Kept(SystemPin.Status), batch.Where(said => said.HasStatus).Select(said => said.Device).ToArray());
        if (database.IsShared)
            return PinBatch.Values(connection, kept, devices);
        var there = new Dictionary<string, (string Value, DateTimeOffset At)>(StringComparer.Ordinal);
        foreach (var device in devices)
        {
            if (PinTable.Find(connection, device, kept) is { } pin)
                there[device] = (pin.Value, pin.At);
        }

        return there;
    }

    private static string? Status(Said said, (string Value, DateTimeOffset At)? there)
    {
        if (!said.HasStatus)
            return null;
        if (said.Status is { } status)
            return status == there?.Value ? null : status;
        return StatusPolicy.GivesWay(there?.Value) && (there is null || there.Value.At <= said.HeldAt) ? StatusPolicy.UpToDate : null;
    }

    private static bool Write(DbConnection connection, string device, long generation, SystemPin pin, string value, DateTimeOffset at) =>
        PinTable.Write(connection, device, generation, PinPolicy.Kept(pin), value, at, PinSource.Server) is not null;

    private DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>What is to be written of one device.</summary>
    private readonly record struct Said(string Device, long Generation, string? Cause, int? Rssi, string? Status, DateTimeOffset? HeldAt)
    {
        public bool HasStatus => Status is not null || HeldAt is not null;
    }

    /// <summary>What the server has to say of one device; the latest of each.</summary>
    private sealed class Saying(string device)
    {
        private volatile bool _hasEnd;

        /// <summary>1 while it waits in the queue.</summary>
        public int Queued;

        /// <summary>UTC milliseconds; kept where several servers share the check-ins.</summary>
        public long LastHold;

        public long Generation { get; set; }

        public string? Cause { get; set; }

        public int? Rssi { get; set; }

        public string? Status { get; set; }

        /// <summary>
        /// Set when it may keep what it runs, which is no news unless the status is older than this and says that it was asked.
        /// </summary>
        public DateTimeOffset? HeldAt { get; set; }

        /// <summary>True while its status is one that being told to hold leaves as it is.</summary>
        public bool HasEnd
        {
            get => _hasEnd;
            set => _hasEnd = value;
        }

        public Said Take()
        {
            lock (this)
            {
                var said = new Said(device, Generation, Cause, Rssi, Status, HeldAt);
                // After a hold it says "up-to-date", or the end that it said before; what else it says a hold may change.
                HasEnd = Status is null && (HeldAt == DateTimeOffset.MaxValue || HasEnd);
                (Cause, Rssi, Status, HeldAt) = (null, null, null, null);
                return said;
            }
        }

        public void PutBack(Said said)
        {
            lock (this)
            {
                HasEnd = false;
                Cause ??= said.Cause;
                Rssi ??= said.Rssi;
                if (Status is null && HeldAt is null)
                    (Status, HeldAt) = (said.Status, said.HeldAt);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Status pins of {Count} devices could not be written ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, int count, string reason);
    }
}
