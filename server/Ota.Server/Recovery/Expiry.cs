using System.Data.Common;
using Ota.Server.Data;
using Ota.Server.Deployments;

namespace Ota.Server.Recovery;

/// <summary>Ends what stayed armed for too long, for a device that never asked again to find out.</summary>
internal sealed partial class Expiry(DeploymentDesk desk, TimeProvider time, ILogger<Expiry> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await ExpireAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // Stopping; what is late stays late until the next start.
        }
    }

    private async Task ExpireAsync(CancellationToken cancellation)
    {
        try
        {
            await desk.ExpireAsync(cancellation);
        }
        catch (Exception fault) when (fault is DbException or StaleException)
        {
            Log.Delayed(logger, fault.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "What is over its time could not be ended ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string reason);
    }
}
