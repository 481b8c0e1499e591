using Hangfire;
using Hangfire.AspNetCore;
using Hangfire.PostgreSql;
using Hangfire.PostgreSql.Factories;
using Hangfire.Storage.SQLite;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ota.Jobs.Hangfire;

/// <summary>
/// Hangfire runs what is due: from a file of its own where the database is embedded, and from the shared database where
/// there is one, so that each run is one server's and another takes over when that one dies.
/// </summary>
public static class HangfireJobs
{
    /// <summary>How late a run may be, besides the time that the one before it takes.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long the locks of a server that was killed keep the others from its work. Work that takes longer may be begun
    /// a second time on PostgreSQL, where Hangfire does not renew a lock; what is due bears that.
    /// </summary>
    private static readonly TimeSpan LockLife = TimeSpan.FromMinutes(1);

    /// <summary>Plans the work and runs it; the caller provides the <see cref="IDueWorker"/>.</summary>
    /// <param name="database">
    /// Connection string of the shared database (schema <c>hangfire</c>); null when it is embedded.
    /// </param>
    /// <param name="file">The file to plan in when it is embedded; made with mode 0600.</param>
    /// <param name="work">Names, which become the ids of recurring jobs, and intervals.</param>
    public static void AddHangfireJobs(
        this IServiceCollection services, string? database, string file, IReadOnlyList<(string Name, TimeSpan Every)> work)
    {
        // Hangfire would keep both in static fields, where a second server in the process finds the first's.
        services.AddSingleton<JobStorage>(_ => database is null ? Embedded(file) : Shared(database));
        services.AddSingleton<JobActivator>(provider =>
            new AspNetCoreJobActivator(provider.GetRequiredService<IServiceScopeFactory>()));
        services.AddHangfire(configuration => configuration
            .SetDataCompatibilityLevel(CompatibilityLevel.Version_180)
            .UseSimpleAssemblyNameTypeSerializer()
            .UseRecommendedSerializerSettings());
        // Its start alone is a dozen lines.
        services.AddLogging(logging => logging.AddFilter("Hangfire", LogLevel.Warning));
        services.AddSingleton(new Plan(work));
        services.AddHostedService<Planner>();
        services.AddHangfireServer(server =>
        {
            // One that takes long holds up none of the others.
            server.WorkerCount = work.Count;
            server.SchedulePollingInterval = Poll;
        });
    }

    /// <summary>Hangfire's dashboard at <c>/jobs</c>, to look at.</summary>
    /// <param name="policy">The authorization policy that lets somebody see it.</param>
    public static IEndpointConventionBuilder MapHangfireJobs(this IEndpointRouteBuilder endpoints, string policy) =>
        endpoints.MapHangfireDashboardWithAuthorizationPolicy(policy, "/jobs", new DashboardOptions
        {
            AppPath = null,
            DashboardTitle = "Ota jobs",
            // It may hold a password.
            DisplayStorageConnectionString = false,
            // What staff change stands in the audit log, and what is changed here would not.
            IsReadOnlyFunc = _ => true,
        });

    private static PostgreSqlStorage Shared(string database)
    {
        var options = new PostgreSqlStorageOptions { QueuePollInterval = Poll, DistributedLockTimeout = LockLife };
        return new PostgreSqlStorage(new NpgsqlConnectionFactory(database, options), options);
    }

    private static SQLiteStorage Embedded(string file)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        // SQLite gives the files that it puts beside it the same mode.
        new FileStream(file, options).Dispose();
        return new SQLiteStorage(
            file, new SQLiteStorageOptions { QueuePollInterval = Poll, DistributedLockLifetime = LockLife });
    }
}
