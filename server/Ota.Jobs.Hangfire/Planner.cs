using System.Data.Common;
using Hangfire;
using Hangfire.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ota.Jobs.Hangfire;

/// <summary>What is done again and again: its name and how often.</summary>
internal sealed record Plan(IReadOnlyList<(string Name, TimeSpan Every)> Work);

/// <summary>Puts the work into Hangfire's store. What is there with the same interval keeps its next time.</summary>
internal sealed partial class Planner(IRecurringJobManager jobs, Plan plan, TimeProvider time, ILogger<Planner> logger)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    // Missed while no server ran, it is done once.
    private static readonly RecurringJobOptions Options = new()
    {
        TimeZone = TimeZoneInfo.Utc, MisfireHandling = MisfireHandlingMode.Relaxed,
    };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Hangfire waits for its locks on the thread it is called on; the server's start does not wait with it.
        await Task.Yield();
        while (!Planned())
            await Task.Delay(Pause, time, stoppingToken);
    }

    private bool Planned()
    {
        try
        {
            foreach (var (name, every) in plan.Work)
            {
                jobs.AddOrUpdate<IDueWorker>(
                    name, worker => worker.DoAsync(name, CancellationToken.None), CronPolicy.Every(every), Options);
            }

            return true;
        }
        catch (Exception fault) when (fault is DistributedLockTimeoutException or DbException)
        {
            // A server that was killed leaves its lock behind for a while.
            Log.Delayed(logger, fault.Message);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "What is due could not be planned yet ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string reason);
    }
}
