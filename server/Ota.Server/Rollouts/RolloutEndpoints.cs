using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Deployments;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Rollouts;

internal static class RolloutEndpoints
{
    public static void MapRollouts(this IEndpointRouteBuilder api)
    {
        var rollouts = api.MapGroup("/rollouts").WithTags("Rollouts");
        rollouts.MapGet("", List).For(StaffRole.Viewer).WithSummary("Rollouts, newest first");
        rollouts.MapGet("/{rollout:long}", Get).For(StaffRole.Viewer).WithSummary("One rollout, with counts by deployment state");
        rollouts.MapPost("/{rollout:long}/abort", AbortAsync).For(StaffRole.Developer)
            .WithSummary("Ends a rollout: nothing new is offered, what is not being installed is cancelled");
    }

    private static Results<Ok<RolloutView[]>, ProblemHttpResult> List(
        RolloutViews views, RolloutBoard board, ProductCatalog products, string? product = null) =>
        product is not null && products.Find(product) is null
            ? Problems.NotFound("product", product)
            : TypedResults.Ok(board.List(product).Select(views.Of).ToArray());

    private static Results<Ok<RolloutView>, ProblemHttpResult> Get(long rollout, RolloutBoard board, RolloutViews views) =>
        board.Find(rollout) is { } found ? TypedResults.Ok(views.Of(found)) : NotFound(rollout);

    private static async Task<Results<Ok<RolloutView>, ProblemHttpResult>> AbortAsync(
        long rollout, RolloutBoard board, RolloutViews views, DeploymentDesk desk, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (board.Find(rollout) is not { } found)
            return NotFound(rollout);
        var aborted = await board.AbortAsync(found, user.Who(), cancellation);
        await desk.CallOffAsync(aborted.Id, user.Who(), cancellation);
        return TypedResults.Ok(views.Of(aborted));
    }

    private static ProblemHttpResult NotFound(long rollout) =>
        Problems.NotFound("rollout", rollout.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Rollouts as staff see them.</summary>
internal sealed class RolloutViews(RolloutBoard board, ProductCatalog products, ReleaseCatalog releases)
{
    public RolloutView Of(Rollout rollout) => new(
        rollout.Id,
        rollout.Product,
        rollout.Version,
        rollout.Hardware,
        rollout.Group is null ? rollout.Target.ToString().ToLowerInvariant() : "group " + rollout.Group,
        board.Of(rollout.Product).LatestFirst.Any(later => RolloutPolicy.Supersedes(later, rollout, Builds(rollout), Builds(later)))
            ? "superseded"
            : rollout.State.ToString().ToLowerInvariant(),
        rollout.Created,
        rollout.CreatedBy,
        rollout.Ended,
        board.Counts(rollout.Id));

    private Release[] Builds(Rollout rollout) =>
    [
        .. releases.Builds(rollout.Product, rollout.Version, rollout.Hardware, ReleaseStatement.ApplicationKind)
            .Where(build => RolloutPolicy.MayOffer(build, products.Find(rollout.Product)!)),
    ];
}
