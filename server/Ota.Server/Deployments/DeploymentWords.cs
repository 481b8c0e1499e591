namespace Ota.Server.Deployments;

/// <summary>The words for states and actions on the wire and in the database.</summary>
internal static class DeploymentWords
{
    private static readonly string[] States =
    [
        "ordered", "offered", "accepted", "downloading", "downloaded", "trial", "awaiting-return", "confirmed", "reverted", "refused",
        "failed", "cancelled", "withdrawn", "superseded", "expired",
        "assumed",
    ];

    // Words that only recoveries and decommissions have, and the states behind them.
    private static readonly Dictionary<string, string[]> Own = new(StringComparer.Ordinal)
    {
        ["armed"] = ["ordered"],
        ["delivered"] = ["accepted", "downloading"],
        ["clearing"] = ["downloaded"],
        ["completed"] = ["confirmed"],
    };

    private static readonly string[] Actions = ["install", "recover", "decommission"];

    private static readonly string[] Purposes = ["target", "step", "return"];

    /// <summary>Every word a deployment may be shown with.</summary>
    public static string All { get; } = string.Join(", ", States.Concat(Own.Keys));

    public static bool IsOne(string word) => States.Contains(word, StringComparer.Ordinal) || Own.ContainsKey(word);

    /// <summary>The stored states behind a word, and whether it is only used of recoveries and decommissions.</summary>
    public static (string[] States, bool IsOwn) StatesOf(string word) =>
        Own.TryGetValue(word, out var states) ? (states, true) : ([word], false);

    public static string Of(DeploymentState state) => States[(int)state];

    public static string Of(DeploymentAction action) => Actions[(int)action];

    public static string Of(DeploymentPurpose purpose) => Purposes[(int)purpose];

    public static DeploymentState Parse(string word) => (DeploymentState)Array.IndexOf(States, word);

    /// <summary>How a recovery or a decommission ended, for the timeline.</summary>
    public static string Ending(Deployment ended) =>
        (ended.Action == DeploymentAction.Recover ? "The recovery is " : "The decommission is ")
        + Shown(ended) + (string.IsNullOrEmpty(ended.Detail) ? "" : ": " + ended.Detail);

    /// <summary>The word staff read: a recovery and a decommission have their own for some states (docs/states.md).</summary>
    public static string Shown(Deployment deployment) => (deployment.Action, deployment.State) switch
    {
        (DeploymentAction.Install, var state) => Of(state),
        (_, DeploymentState.Ordered) => "armed",
        (_, DeploymentState.Accepted or DeploymentState.Downloading) => "delivered",
        (_, DeploymentState.Downloaded) => "clearing",
        (_, DeploymentState.Confirmed) => "completed",
        (_, var state) => Of(state),
    };
}
