using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Deployments;
using Ota.Server.Http;
using Ota.Server.Staff;

namespace Ota.Server.Rollouts;

internal static class RolloutEndpoints
{
    public static void MapRollouts(this IEndpointRouteBuilder api)
    {
        var rollouts = api.MapGroup("/rollouts").WithTags("Rollouts");
        rollouts.MapGet("", (RolloutBoard board, string? product = null) => board.List(product).Select(rollout => View(rollout, board)).ToArray())
            .For(StaffRole.Viewer).WithSummary("Rollouts, newest first");
        rollouts.MapGet("/{rollout:long}", Get).For(StaffRole.Viewer).WithSummary("One rollout, with counts by deployment state");
        rollouts.MapPost("/{rollout:long}/abort", AbortAsync).For(StaffRole.Developer)
            .WithSummary("Ends a rollout: nothing new is offered, what is not being installed is cancelled");
    }

    private static Results<Ok<RolloutView>, ProblemHttpResult> Get(long rollout, RolloutBoard board) =>
        board.Find(rollout) is { } found ? TypedResults.Ok(View(found, board)) : NotFound(rollout);

    private static async Task<Results<Ok<RolloutView>, ProblemHttpResult>> AbortAsync(
        long rollout, RolloutBoard board, DeploymentDesk desk, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (board.Find(rollout) is not { } found)
            return NotFound(rollout);
        var aborted = await board.AbortAsync(found, user.Who(), cancellation);
        await desk.CallOffAsync(aborted.Id, user.Who(), cancellation);
        return TypedResults.Ok(View(aborted, board));
    }

    private static ProblemHttpResult NotFound(long rollout) =>
        Problems.NotFound("rollout", rollout.ToString(CultureInfo.InvariantCulture));

    private static RolloutView View(Rollout rollout, RolloutBoard board) => new(
        rollout.Id,
        rollout.Product,
        rollout.Version,
        rollout.Hardware,
        rollout.Group is null ? rollout.Target.ToString().ToLowerInvariant() : "group " + rollout.Group,
        rollout.State.ToString().ToLowerInvariant(),
        rollout.Created,
        rollout.CreatedBy,
        rollout.Ended,
        board.Counts(rollout.Id));
}
