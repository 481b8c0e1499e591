using Npgsql;
using Quartz;

namespace Ota.Server.Jobs;

/// <summary>
/// Quartz.NET runs what is due: from memory where the database is embedded, and where several servers share one, from Quartz's clustered
/// store in it, so that each run is one server's and another takes over when that one dies.
/// </summary>
internal static class QuartzJobs
{
    private const string Work = "work";

    // A server that is restarted every day, or every hour, still does what is done every hour.
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan CheckIn = TimeSpan.FromSeconds(3);

    // What a clock that was set forward has made late is found, and done, within so long.
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(10);

    /// <param name="database">Connection string of the shared database; null when it is embedded.</param>
    public static void AddQuartzJobs(this IServiceCollection services, string? database)
    {
        services.AddQuartz(quartz =>
        {
            if (database is null)
                quartz.UseInMemoryStore();
            else
                quartz.UsePersistentStore(store => Share(store, database));
            // Its own appointments are kept by the system's clock; what the work finds due follows the server's.
            quartz.UseTimeProvider(TimeProvider.System);
            // What a shared store has planned stays planned when a server starts.
            quartz.ConfigureOptions<QuartzOptions>(options => options.Scheduling.IgnoreDuplicates = true);
            foreach (var work in DueWork.All)
            {
                quartz.ScheduleJob<DueJob>(
                    trigger => trigger
                        .WithIdentity(work.Name)
                        .StartAt(DateTimeOffset.UtcNow + (work.Every < Soon ? work.Every : Soon))
                        // Missed while no server ran, it is done once.
                        .WithSimpleSchedule(every => every.WithInterval(work.Every).RepeatForever().WithMisfireInstruction(SimpleTriggerMisfireInstruction.NowWithExistingCount)),
                    job => job.WithIdentity(work.Name).UsingJobData(Work, work.Name));
            }
        });
        services.AddSingleton<QuartzHostedService>();
        services.AddHostedService<QuartzRunner>();
    }

    private static void Share(IPersistentStoreBuilder store, string database)
    {
        // A pool of its own, small, and empty between two looks.
        store.UsePostgres(NpgsqlFactory.Instance, new NpgsqlConnectionStringBuilder(database)
        {
            ApplicationName = "ota jobs", MaxPoolSize = 5, ConnectionIdleLifetime = 5, ConnectionPruningInterval = 2,
        }.ToString());
        store.ProvisionSchema();
        store.UseClustering(cluster =>
        {
            cluster.CheckinInterval = CheckIn;
            cluster.CheckinMisfireThreshold = CheckIn;
        });
        store.ConfigureStore(options =>
        {
            // Else they would keep the process, too, for as long as the database is out of reach.
            options.UseBackgroundThreads = true;
            options.MisfireThreshold = Late;
        });
    }

    /// <summary>
    /// Starts and stops Quartz. While its store is out of reach Quartz tries to hand back what it was about to run for ever, and would keep the
    /// process from ending; what it leaves behind another server, or the next start, takes over.
    /// </summary>
    private sealed class QuartzRunner(QuartzHostedService quartz) : IHostedService
    {
        private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

        public Task StartAsync(CancellationToken cancellationToken) => quartz.StartAsync(cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            try
            {
                await quartz.StopAsync(cancellationToken).WaitAsync(Longest, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                // It ends with the process.
            }
        }
    }

    [DisallowConcurrentExecution]
    private sealed class DueJob(DueWorker worker) : IJob
    {
        public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) =>
            await worker.DoAsync(context.MergedJobDataMap.GetString(Work)!, cancellationToken);
    }
}
