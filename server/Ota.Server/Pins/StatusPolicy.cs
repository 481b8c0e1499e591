using System.Globalization;
using Ota.Server.Deployments;

namespace Ota.Server.Pins;

/// <summary>What the status pin says (docs/protocol.md §8). Pure.</summary>
internal static class StatusPolicy
{
    public const string Checking = "checking";

    public const string UpToDate = "up-to-date";

    // A person should find how it ended, also when the device has asked again since.
    private static readonly string[] Endings =
    [
        "confirmed ", "reverted ", "refused ", "failed ", "cancelled ", "withdrawn ", "superseded ", "expired ", "assumed ",
        "recovery completed", "recovery failed", "recovery expired", "recovery cancelled", "recovery reverted", "recovery refused",
        "decommission ",
    ];

    /// <summary>How a deployment stands.</summary>
    /// <param name="version">Of its release; null for a decommission.</param>
    public static string Of(Deployment deployment, string? version) => (deployment.Action, deployment.State) switch
    {
        (DeploymentAction.Recover, _) => "recovery " + DeploymentWords.Shown(deployment) + Why(deployment),
        (DeploymentAction.Decommission, _) => "decommission " + DeploymentWords.Shown(deployment) + Why(deployment),
        (_, DeploymentState.Confirmed) => "confirmed " + Confirmed(version, deployment.Ended!.Value),
        (_, DeploymentState.Downloading) => "downloading " + (Clean(deployment.Detail) is { Length: > 0 } share ? share : "0%"),
        (_, DeploymentState.Downloaded or DeploymentState.Trial) => "installing",
        (_, DeploymentState.Ordered) when deployment.Deferred is not null => Clean(deployment.Detail),
        var (_, state) => $"{DeploymentWords.Of(state)} {version}" + (state.IsOver() ? Why(deployment) : ""),
    };

    /// <summary>What the version pin says once a version is confirmed.</summary>
    public static string Confirmed(string? version, DateTimeOffset at) =>
        string.Create(CultureInfo.InvariantCulture, $"{version} {at.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}");

    /// <summary>True when a check-in that is told to keep what it runs leaves nothing more to say than that: the end of a deployment is said until somebody asks again.</summary>
    public static bool GivesWay(string? status) =>
        status is null || (status != UpToDate && !Endings.Any(ending => status.StartsWith(ending, StringComparison.Ordinal)));

    private static string Why(Deployment deployment) => Clean(deployment.Detail) is { Length: > 0 } detail ? ": " + detail : "";

    // The device's own text.
    private static string Clean(string? text) => string.Concat((text ?? "").Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
