using Ota.Server.Deployments;
using Ota.Server.Releases;

namespace Ota.Server.Recovery;

/// <summary>The recovery of a client without orders, as it stands in its deployment. Pure.</summary>
internal static class TwoStepDeployment
{
    private static readonly (TwoStepState Step, DeploymentState State)[] States =
    [
        (TwoStepState.Armed, DeploymentState.Ordered),
        (TwoStepState.HandedOut, DeploymentState.Offered),
        (TwoStepState.Fetched, DeploymentState.Downloaded),
        (TwoStepState.Returning, DeploymentState.AwaitingReturn),
        (TwoStepState.Completed, DeploymentState.Confirmed),
        (TwoStepState.Failed, DeploymentState.Failed),
        (TwoStepState.Expired, DeploymentState.Expired),
        (TwoStepState.Cancelled, DeploymentState.Cancelled),
    ];

    /// <param name="deployment">An open one, of a client without orders.</param>
    /// <param name="recovery">The recovery build.</param>
    /// <param name="previous">What it returns to.</param>
    public static TwoStep Of(Deployment deployment, Release recovery, Release previous) =>
        new(recovery.Id, recovery.Version, previous.Id, previous.Version, deployment.Deadline!.Value)
        {
            State = States.First(pair => pair.State == deployment.State).Step,
            Detail = deployment.Detail,
            PreviousFetched = deployment.Fetches > 0,
        };

    /// <summary>The deployment as the recovery leaves it.</summary>
    public static Deployment With(this Deployment deployment, TwoStep recovery) => deployment with
    {
        State = States.First(pair => pair.Step == recovery.State).State,
        Detail = recovery.Detail,
        Fetches = recovery.PreviousFetched ? 1 : 0,
    };
}
