using Ota.Server.Telemetry;

namespace Ota.Server.Deployments;

/// <summary>How deployments end, for the log and the meters: what an operator watches a rollout by.</summary>
internal static partial class DeploymentLog
{
    public static void Ended(ILogger logger, Meters meters, Deployment deployment)
    {
        meters.Deployment(DeploymentWords.Shown(deployment));
        // The reason is the device's own text.
        var reason = deployment.Detail is { Length: > 0 } detail
            ? ": " + string.Concat(detail.Select(c => char.IsControl(c) ? '?' : c))
            : "";
        Ended(logger, deployment.Device, deployment.Id, DeploymentWords.Shown(deployment), reason);
    }

    [LoggerMessage(1, LogLevel.Information, "{Device}: deployment {Deployment} is {State}{Reason}.")]
    private static partial void Ended(ILogger logger, string device, long deployment, string state, string reason);
}
