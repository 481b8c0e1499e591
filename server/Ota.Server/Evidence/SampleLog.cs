using System.Collections.Concurrent;
using System.Data.Common;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Devices;

namespace Ota.Server.Evidence;

/// <summary>
/// Keeps what check-ins say, in batches, within a second. Never waited for: a crash loses at most that second, and when the disk does not take
/// them the oldest beyond the bound are dropped and counted.
/// </summary>
internal sealed partial class SampleLog(Database database, TimeProvider time, ILogger<SampleLog> logger) : BackgroundService
{
    /// <summary>Samples that wait in memory at most; some 100 bytes each.</summary>
    private const int MostWaiting = 100_000;

    private const int Batch = 1000;
    private const long LeastMilliseconds = 60_000;

    // Samples after which a device is counted for having too many.
    private const int Talkative = 1000;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly ConcurrentQueue<(string Device, Sample Sample)> _waiting = new();
    private readonly ConcurrentDictionary<string, int> _kept = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private long _dropped;

    /// <summary>Samples that are to be written.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Keeps a check-in, unless another was kept less than a minute ago and the device has not started since; what was kept.</summary>
    public Sample? Add(Device device, CheckIn checkIn, DateTimeOffset now)
    {
        var at = now.ToUnixTimeMilliseconds();
        if (at - device.Sampled.At < LeastMilliseconds && checkIn.Restart.Count == device.Sampled.Starts)
            return null;
        device.Sampled = (at, checkIn.Restart.Count);
        if (_waiting.Count >= MostWaiting && _waiting.TryDequeue(out _))
            Interlocked.Increment(ref _dropped);
        var sample = new Sample(
            at, checkIn.Rssi, checkIn.Uptime, checkIn.FreeMemory, checkIn.Restart.Count, checkIn.Restart.Cause);
        _waiting.Enqueue((device.Id, sample));
        return sample;
    }

    /// <summary>Writes what waits now; also what another one who does the same has just taken is on disk then.</summary>
    public async Task FlushAsync()
    {
        await _flushing.WaitAsync();
        try
        {
            await WriteAsync();
        }
        finally
        {
            _flushing.Release();
        }
    }

    private async Task WriteAsync()
    {
        for (var left = _waiting.Count; left > 0;)
        {
            var batch = new List<(string Device, Sample Sample)>(Math.Min(left, Batch));
            while (batch.Count < Batch && left-- > 0 && _waiting.TryDequeue(out var next))
                batch.Add(next);
            if (batch.Count == 0)
                return;
            try
            {
                await database.WriteAsync(
                    connection =>
                    {
                        if (database.IsShared)
                            SampleTable.InsertBatch(connection, batch);
                        else
                            SampleTable.Insert(connection, batch);
                    },
                    CancellationToken.None);
                batch.ForEach(kept => _kept.AddOrUpdate(kept.Device, 1, (_, count) => count + 1));
            }
            catch (DbException fault)
            {
                batch.ForEach(_waiting.Enqueue);
                Log.Delayed(logger, batch.Count, fault.Message, Interlocked.Read(ref _dropped));
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

    /// <summary>Summarizes what is too old to be kept sample by sample; one device at a time, so that no check-in waits long for the writer.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var talkative = _kept.Where(kept => kept.Value >= Talkative).Select(kept => kept.Key).ToArray();
        foreach (var device in database.Read(connection => Retention.Late(connection, now)).Union(talkative))
        {
            _kept.TryRemove(device, out _);
            cancellation.ThrowIfCancellationRequested();
            await database.WriteAsync(connection => Retention.Summarize(connection, device, now), CancellationToken.None);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Count} samples could not be written ({Reason}); trying again. Dropped so far: {Dropped}.")]
        public static partial void Delayed(ILogger logger, int count, string reason, long dropped);
    }
}
