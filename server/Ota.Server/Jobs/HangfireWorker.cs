using Ota.Jobs.Hangfire;
using Ota.Server.Settings;

namespace Ota.Server.Jobs;

// Compiled with -p:Jobs=Hangfire, in place of QuartzJobs.
internal sealed partial class DueWorker : IDueWorker;

/// <summary>Hangfire runs what is due, in the shared database or in a file beside the embedded one.</summary>
internal static class HangfireWorker
{
    public static void AddHangfireJobs(this IServiceCollection services, ServerSettings settings)
    {
        services.AddSingleton<IDueWorker>(provider => provider.GetRequiredService<DueWorker>());
        services.AddHangfireJobs(
            settings.Database,
            Path.Combine(settings.Data, "jobs.db"),
            [.. DueWork.All.Select(work => (work.Name, work.Every))]);
    }
}
