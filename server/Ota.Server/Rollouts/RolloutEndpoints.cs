using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Staff;

namespace Ota.Server.Rollouts;

internal static class RolloutEndpoints
{
    public static void MapRollouts(this IEndpointRouteBuilder api)
    {
        var rollouts = api.MapGroup("/rollouts").WithTags("Rollouts");
        rollouts.MapGet("", List).For(StaffRole.Viewer).WithSummary("Rollouts, newest first");
        rollouts.MapGet("/{rollout:long}", Get).For(StaffRole.Viewer).WithSummary("One rollout, with counts by wave and deployment state");
        rollouts.MapPost("", StartAsync).For(StaffRole.Developer).WithSummary("Starts a rollout, at once or at its time");
        rollouts.MapPost("/plan", Plan).For(StaffRole.Viewer).WithSummary("What a rollout would do; changes nothing");
        rollouts.MapPost("/{rollout:long}/pause", PauseAsync).For(StaffRole.Developer)
            .WithSummary("Holds a rollout: no order of it is handed out; what devices have begun goes on");
        rollouts.MapPost("/{rollout:long}/resume", ResumeAsync).For(StaffRole.Developer)
            .WithSummary("Lets a rollout go on; what failed before it stopped itself is forgiven");
        rollouts.MapPost("/{rollout:long}/advance", AdvanceAsync).For(StaffRole.Developer).WithSummary("Opens the next wave by hand");
        rollouts.MapPost("/{rollout:long}/return", ReturnAsync).For(StaffRole.Developer)
            .WithSummary("Brings every device that got it, and runs it, back to what it ran before");
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

    public static async Task<Results<Created<RolloutView>, ProblemHttpResult>> StartAsync(
        NewRollout asked, ProductCatalog products, ReleaseCatalog releases, RolloutBoard board, RolloutViews views, TimeProvider time,
        ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (RolloutRequest.Read(asked, products, releases, time.GetUtcNow(), user.Who(), out var problem) is not { } read)
            return problem!;
        // An image was given up this moment: asked again, it says which.
        return await board.StartAsync(read.Rollout, read.Images, cancellation) is { } started
            ? TypedResults.Created($"/api/v1/rollouts/{started.Id}", views.Started(started))
            : Problems.Conflict(
                "image-deleted", $"An image of {asked.Product} {asked.Version} was deleted this moment. Push the build again, then ask again.");
    }

    public static Results<Ok<RolloutPlanView>, ProblemHttpResult> Plan(
        NewRollout asked, ProductCatalog products, ReleaseCatalog releases, RolloutViews views, TimeProvider time, ClaimsPrincipal user) =>
        RolloutRequest.Read(asked, products, releases, time.GetUtcNow(), user.Who(), out var problem) is { } read
            ? TypedResults.Ok(views.Plan(read.Rollout))
            : problem!;

    private static Task<Results<Ok<RolloutView>, ProblemHttpResult>> PauseAsync([AsParameters] RolloutCall call) =>
        call.DoAsync(RolloutDeed.Pause);

    private static Task<Results<Ok<RolloutView>, ProblemHttpResult>> ResumeAsync([AsParameters] RolloutCall call) =>
        call.DoAsync(RolloutDeed.Resume);

    private static Task<Results<Ok<RolloutView>, ProblemHttpResult>> AdvanceAsync([AsParameters] RolloutCall call) =>
        call.DoAsync(RolloutDeed.Advance);

    private static Task<Results<Ok<RolloutView>, ProblemHttpResult>> ReturnAsync([AsParameters] RolloutCall call) =>
        call.DoAsync(RolloutDeed.Return);

    private static Task<Results<Ok<RolloutView>, ProblemHttpResult>> AbortAsync([AsParameters] RolloutCall call) =>
        call.DoAsync(RolloutDeed.Abort);

    public static ProblemHttpResult NotFound(long rollout) =>
        Problems.NotFound("rollout", rollout.ToString(CultureInfo.InvariantCulture));
}

/// <summary>A call by which a person does something to a rollout.</summary>
internal readonly record struct RolloutCall(
    long Rollout, RolloutBoard Board, RolloutDesk Desk, RolloutViews Views, ClaimsPrincipal User, CancellationToken Cancellation,
    RolloutReason? Asked = null)
{
    private const int LongestReason = 500;

    public async Task<Results<Ok<RolloutView>, ProblemHttpResult>> DoAsync(RolloutDeed deed)
    {
        if (Asked?.Reason is { Length: > LongestReason })
            return Problems.Invalid($"The reason has at most {LongestReason} characters.");
        if (Board.Find(Rollout) is not { } found)
            return RolloutEndpoints.NotFound(Rollout);
        var (done, refusal) = await Desk.DoAsync(found, deed, Asked?.Reason, User.Who(), Cancellation);
        return done is null ? Problems.Conflict("rollout-state", refusal) : TypedResults.Ok(Views.Of(done));
    }
}
