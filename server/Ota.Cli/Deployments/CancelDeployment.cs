using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Deployments;

/// <summary><c>ota deployment cancel</c></summary>
internal static class CancelDeployment
{
    private static readonly Argument<string> Id = new("deployment") { Description = "The deployment's id." };

    public static Command Command { get; } = new Verb("cancel", "Take back what a device has not begun to try.", RunAsync) { Id };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (deployment, _) = await call.Api.PostAsync<Deployment>(ApiPath.Of($"deployments/{call.Get(Id)}/cancel"), cancellation);
        call.Screen.Show(deployment, screen => screen.Line(
            $"Deployment {deployment.Id} of {deployment.Product} {deployment.Version} for {deployment.Device} is ",
            Cell.State(deployment.State), "."));
    }
}
