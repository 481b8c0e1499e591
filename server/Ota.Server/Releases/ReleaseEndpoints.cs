using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Deployments;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Rollouts;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Releases;

internal static class ReleaseEndpoints
{
    public static void MapReleases(this IEndpointRouteBuilder api)
    {
        var releases = api.MapGroup("/products/{product}/releases").WithTags("Releases");
        releases.MapGet("", List).For(StaffRole.Viewer).WithSummary("A product's releases, newest first");
        releases.MapPost("", UploadEndpoint.UploadAsync).For(StaffRole.Developer)
            .WithSummary("Uploads a signed build").AddOpenApiOperationTransformer(ApiDescription.DescribeUpload);
        releases.MapGet("/{version}", Get).For(StaffRole.Viewer).WithSummary("One release");
        releases.MapGet("/{version}/statement", Statement).For(StaffRole.Viewer).WithSummary("The release statement, as signed");
        releases.MapPost("/{version}/withdraw", WithdrawAsync).For(StaffRole.Developer)
            .WithSummary("Withdraws a release: nobody is offered it any more");
        releases.MapPut("/{version}/step", StepAsync).For(StaffRole.Developer)
            .WithSummary("Makes a version one that devices must run before they may run a later one, or no longer");
        api.MapGet("/drop-folder", (DropFolder folder) => folder.Verdicts()).For(StaffRole.Viewer).WithTags("Releases")
            .WithSummary("What became of the builds in the drop folder");
    }

    private static Results<Ok<ReleaseView[]>, ProblemHttpResult> List(
        string product, ProductCatalog products, ReleaseCatalog releases, string? version = null) =>
        products.Find(product) is not { } found
            ? Problems.NotFound("product", product)
            : TypedResults.Ok(releases.Of(product)
                .Where(release => version is null || release.Version == version)
                .Select(release => ReleaseView.Of(release, found))
                .ToArray());

    private static Results<Ok<ReleaseView>, ProblemHttpResult> Get(
        string product, string version, ProductCatalog products, ReleaseCatalog releases, string? hardware = null, string? kind = null) =>
        One(releases, product, version, hardware, kind, out var problem) is { } release
            ? TypedResults.Ok(ReleaseView.Of(release, products.Find(product)!))
            : problem!;

    private static Results<ContentHttpResult, ProblemHttpResult> Statement(
        string product, string version, ReleaseCatalog releases, string? hardware = null, string? kind = null) =>
        One(releases, product, version, hardware, kind, out var problem) is { } release
            ? TypedResults.Content(release.Statement, "application/jose")
            : problem!;

    public static async Task<Results<Ok<ReleaseView>, ProblemHttpResult>> WithdrawAsync(
        string product,
        string version,
        ProductCatalog products,
        ReleaseCatalog releases,
        DeploymentDesk desk,
        ClaimsPrincipal user,
        CancellationToken cancellation,
        Withdrawal? asked = null,
        string? hardware = null,
        string? kind = null)
    {
        if (asked?.Reason is { Length: > 500 })
            return Problems.Invalid("The reason has at most 500 characters.");
        if (One(releases, product, version, hardware, kind, out var problem) is not { } release)
            return problem!;
        var withdrawn = await releases.WithdrawAsync(release, asked?.Reason, user.Who(), cancellation);
        await desk.CallOffAsync(withdrawn, user.Who(), cancellation);
        return TypedResults.Ok(ReleaseView.Of(withdrawn, products.Find(product)!));
    }

    public static async Task<Results<Ok<ReleaseView[]>, ProblemHttpResult>> StepAsync(
        string product, string version, StepChange asked, ProductCatalog products, ReleaseCatalog releases, RolloutBoard rollouts, ClaimsPrincipal user,
        CancellationToken cancellation)
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        if (releases.Builds(product, version, hardware: null, ReleaseStatement.ApplicationKind).Count == 0)
            return Problems.NotFound("release", $"{product} {version}");
        if (asked.Required is not { } isRequired)
            return Problems.Invalid("required is true or false.");
        await releases.RequireAsync(product, version, isRequired, user.Who(), cancellation);
        rollouts.Renew(product);
        return TypedResults.Ok(releases.Builds(product, version, hardware: null, ReleaseStatement.ApplicationKind)
            .Select(release => ReleaseView.Of(release, found)).ToArray());
    }

    private static Release? One(
        ReleaseCatalog releases, string product, string version, string? hardware, string? kind, out ProblemHttpResult? problem)
    {
        var builds = releases.Builds(product, version, hardware, kind);
        problem = builds.Count switch
        {
            0 => Problems.NotFound("release", $"{product} {version}"),
            1 => null,
            _ => Problems.Conflict("ambiguous-release",
                $"There are {builds.Count} builds of {product} {version}: "
                + string.Join("; ", builds.Select(build => $"{build.Kind} for {string.Join(", ", build.Hardware)}"))
                + ". Say which by --hardware or --kind (hardware= or kind= in the query)."),
        };
        return problem is null ? builds[0] : null;
    }
}
