using System.Data.Common;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Evidence;
using Ota.Server.Releases;
using Ota.Server.Rollouts;

namespace Ota.Server.Jobs;

/// <summary>
/// Something that is done again and again. What there is to do follows from the database and the clock, so a run that was missed needs no
/// making up: the next one finds all that is due. Where several servers share a database one of them does it.
/// </summary>
/// <param name="Every">How often somebody looks.</param>
/// <param name="DoAsync">The work itself, which lives in its slice.</param>
internal sealed record DueWork(string Name, TimeSpan Every, Func<IServiceProvider, CancellationToken, Task> DoAsync)
{
    public static IReadOnlyList<DueWork> All { get; } =
    [
        new("watch-rollouts", TimeSpan.FromSeconds(2), (services, stop) => services.GetRequiredService<RolloutClock>().RunAsync(stop)),
        new("expire", TimeSpan.FromSeconds(15), (services, stop) => services.GetRequiredService<DeploymentDesk>().ExpireAsync(stop)),
        new("summarize-evidence", TimeSpan.FromHours(1), (services, stop) => services.GetRequiredService<SampleLog>().SweepAsync(stop)),
        new("trim-timelines", TimeSpan.FromHours(1), (services, stop) => services.GetRequiredService<TimelineRetention>().SweepAsync(stop)),
        new("retain-images", TimeSpan.FromHours(1), (services, stop) => services.GetRequiredService<RetentionPass>().RunAsync(stop)),
    ];
}

/// <summary>Does what a scheduler says is due, by name; what keeps it from being done is logged, and the next run tries again.</summary>
internal sealed partial class DueWorker(IServiceProvider services, ILogger<DueWorker> logger)
{
    public async Task DoAsync(string name, CancellationToken cancellation)
    {
        // A schedule that is kept in the database may name what this version no longer does.
        if (DueWork.All.FirstOrDefault(work => work.Name == name) is not { } due)
            return;
        try
        {
            await due.DoAsync(services, cancellation);
        }
        catch (Exception fault) when (fault is DbException or StaleException or IOException or UnauthorizedAccessException)
        {
            Log.Delayed(logger, name, fault.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "What is due could not be done ({Work}: {Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string work, string reason);
    }
}
