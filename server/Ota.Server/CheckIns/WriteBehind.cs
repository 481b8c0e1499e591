using System.Collections.Concurrent;
using System.Data.Common;
using Ota.Server.Data;
using Ota.Server.Devices;

namespace Ota.Server.CheckIns;

/// <summary>
/// Writes what held check-ins said, in batches, within a second. A crash loses at most that second of signal and last-seen, nothing that anyone was
/// promised. When the disk does not take it the devices stay queued, each once, so memory stays bounded by the fleet.
/// </summary>
internal sealed partial class WriteBehind(Database database, TimeProvider time, ILogger<WriteBehind> logger) : BackgroundService
{
    private const int Batch = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly ConcurrentQueue<Device> _queue = new();

    /// <summary>Devices that are to be written.</summary>
    public int Waiting => _queue.Count;

    public void Add(Device device)
    {
        if (Interlocked.Exchange(ref device.Queued, 1) == 0)
            _queue.Enqueue(device);
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
            // Stopping: what is queued is written now.
        }

        await FlushAsync();
    }

    private async Task FlushAsync()
    {
        foreach (var batch in Due().Chunk(Batch))
        {
            try
            {
                await database.WriteAsync(
                    connection =>
                    {
                        if (database.IsShared)
                        {
                            HeardBatch.Write(connection, [.. batch.Select(device => (device.Id, device.Heard!))]);
                            Changes.NoteHeard(connection, batch.Select(device => device.Id));
                            return;
                        }

                        // Alone it goes by the order in which it heard them: its clock may be set back.
                        foreach (var device in batch)
                            DeviceTable.WriteHeard(connection, device.Id, device.Heard!);
                    },
                    CancellationToken.None);
            }
            catch (DbException fault)
            {
                Log.Delayed(logger, batch.Length, fault.Message);
                Array.ForEach(batch, Add);
                return;
            }
        }
    }

    // What waits now and no more: a device that asks again meanwhile is written once an interval, however often it asks.
    private IEnumerable<Device> Due()
    {
        for (var left = _queue.Count; left > 0 && _queue.TryDequeue(out var device); left--)
        {
            // Before it is read: a check-in from now on queues the device again.
            Volatile.Write(ref device.Queued, 0);
            yield return device;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Last-seen of {Count} devices could not be written ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, int count, string reason);
    }
}
