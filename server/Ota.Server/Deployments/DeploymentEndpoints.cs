using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Deployments;

public sealed record NewDeployment(
    string? Product, string? Version, string? Device = null, string? Group = null, bool? All = null, string? Hardware = null);

/// <summary>What was started: one deployment for one device, or a rollout for many.</summary>
/// <param name="Devices">How many devices it concerns now; those that enroll later are counted when they do.</param>
/// <param name="BelowFloor">How many of them have confirmed a higher security counter: they would refuse it, so it is not offered to them.</param>
public sealed record Started(
    long? Deployment, long? Rollout, string Product, string Version, string Target, long Devices, long BelowFloor);

internal static class DeploymentEndpoints
{
    public static void MapDeployments(this IEndpointRouteBuilder api)
    {
        var deployments = api.MapGroup("/deployments").WithTags("Deployments");
        deployments.MapGet("", List).For(StaffRole.Viewer).WithSummary("Deployments, newest first");
        deployments.MapPost("", StartAsync).For(StaffRole.Support)
            .WithSummary("Orders a version for one device, a group or all devices of a product");
        deployments.MapPost("/{deployment:long}/cancel", CancelAsync).For(StaffRole.Support)
            .WithSummary("Cancels a deployment that the device has not begun to install");
    }

    public static DeploymentView View(Deployment deployment, ReleaseCatalog releases)
    {
        var release = releases.Find(deployment.Release);
        return new DeploymentView(
            deployment.Id,
            deployment.Rollout,
            deployment.Device,
            deployment.Product,
            release?.Version ?? "",
            release?.Kind ?? "",
            deployment.Release,
            DeploymentWords.Of(deployment.Action),
            DeploymentWords.Shown(deployment),
            deployment.Detail,
            deployment.Reason,
            deployment.Created,
            deployment.CreatedBy,
            deployment.Offered,
            deployment.Ended,
            deployment.Deadline,
            deployment.Wave,
            DeploymentWords.Of(deployment.Purpose),
            deployment.IsTwoStep);
    }

    private static Results<Ok<DeploymentView[]>, ProblemHttpResult> List(
        Database database,
        ReleaseCatalog releases,
        ProductCatalog products,
        Fleet fleet,
        string? product = null,
        string? device = null,
        string? state = null,
        int limit = 100)
    {
        if (limit is < 1 or > 1000)
            return Problems.Invalid("limit is 1 to 1000.");
        if (product is not null && products.Find(product) is null)
            return Problems.NotFound("product", product);
        if (state is not null && !DeploymentWords.IsOne(state))
            return Problems.Invalid($"state is one of {DeploymentWords.All}.");
        ProblemHttpResult? problem = null;
        var one = device is null ? null : fleet.One(device, out problem);
        if (problem is not null)
            return problem;
        var found = database.Read(connection =>
            DeploymentTable.Query(connection, new DeploymentFilter(product, one?.Id, Rollout: null, state, limit)));
        return TypedResults.Ok(found.Select(deployment => View(deployment, releases)).ToArray());
    }

    public static async Task<Results<Created<Started>, ProblemHttpResult>> StartAsync(
        NewDeployment asked,
        ProductCatalog products,
        ReleaseCatalog releases,
        Fleet fleet,
        RolloutBoard board,
        DeploymentDesk desk,
        TimeProvider time,
        ClaimsPrincipal user,
        CancellationToken cancellation)
    {
        if (products.Find(asked.Product) is not { } product)
            return Problems.NotFound("product", asked.Product);
        if (Deployable(product, asked.Version, asked.Hardware, releases, out var problem) is not { } good)
            return problem!;
        return (asked.Device, asked.Group, asked.All == true) switch
        {
            ({ } device, null, false) => await ForOneAsync(device, good, product, fleet, desk, user, cancellation),
            (null, { } group, false) when Names.Fault(group) is { } fault => Problems.Invalid("The group " + fault),
            (null, { } group, false) => await ForManyAsync(asked, good, RolloutTarget.Group, group, fleet, board, time, user, cancellation),
            (null, null, true) => await ForManyAsync(asked, good, RolloutTarget.All, null, fleet, board, time, user, cancellation),
            _ => Problems.Invalid("Give exactly one of device, group and all."),
        };
    }

    /// <summary>The builds of a version that can be handed out; null and why not when there are none.</summary>
    public static Release[]? Deployable(
        Product product, string? version, string? hardware, ReleaseCatalog releases, out ProblemHttpResult? problem)
    {
        var builds = releases.Builds(product.Name, version ?? "", hardware, kind: null);
        var applications = builds.Where(build => build.Kind == ReleaseStatement.ApplicationKind).ToArray();
        var standing = applications.Where(build => build.Withdrawn is null).ToArray();
        var good = standing.Where(build => product.Trusts(build.SignedBy)).ToArray();
        problem = (builds.Count, applications.Length, standing.Length, good.Length) switch
        {
            (0, _, _, _) => Problems.NotFound("release", $"{product.Name} {version}"),
            (_, 0, _, _) => Problems.Refused("kind",
                $"{product.Name} {version} is a recovery build; it clears credentials and is not deployed as an application."),
            (_, _, 0, _) => Problems.Conflict(
                "withdrawn", $"{product.Name} {version} was withdrawn: {applications[0].WithdrawnReason ?? "no reason was given"}."),
            (_, _, _, 0) => Problems.Conflict("untrusted-signer",
                $"{product.Name} {version} was signed by key {standing[0].SignedBy}, which is no longer trusted; "
                + "sign it anew and upload it again."),
            _ => null,
        };
        return problem is null ? good : null;
    }

    private static async Task<Results<Created<Started>, ProblemHttpResult>> ForOneAsync(
        string name, Release[] builds, Product product, Fleet fleet, DeploymentDesk desk, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(name, out var problem, product.Name) is not { } device)
            return problem!;
        if (builds.FirstOrDefault(build => build.Hardware.Contains(device.Hardware)) is not { } release)
            return Problems.Refused("hardware", $"There is no build of {builds[0].Version} for {device.Hardware}, which device {device.Id} is.");
        if (device.Heard is { CheckIn.SecurityCounter: var counter } && release.SecurityCounter < counter)
        {
            return Problems.Refused("security-counter",
                $"{release.Version} has security counter {release.SecurityCounter}; device {device.Id} has confirmed {counter} and refuses lower ones.");
        }

        if (release.Image.Deleted is not null)
            return ImageDeleted(release);
        if (device.ChecksTooLittle(product))
            return ChecksTooLittle(device, product);
        return await desk.OrderAsync(device, release, user.Who(), cancellation) is { } ordered
            ? TypedResults.Created(
                $"/api/v1/devices/{device.Id}", new Started(ordered.Id, Rollout: null, product.Name, release.Version, "device", 1, BelowFloor: 0))
            : Problems.Conflict("installing", device.Open is { Action: not DeploymentAction.Install }
                ? $"Device {device.Id} is to be {(device.Open.Action == DeploymentAction.Recover ? "recovered" : "decommissioned")} first (deployment {device.Open.Id})."
                : $"Device {device.Id} is installing right now (deployment {device.Open?.Id}). Ask again when it has confirmed or reverted.");
    }

    private static async Task<Results<Created<Started>, ProblemHttpResult>> ForManyAsync(
        NewDeployment asked, Release[] builds, RolloutTarget target, string? group, Fleet fleet, RolloutBoard board, TimeProvider time,
        ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (user.Role() < StaffRole.Developer)
        {
            return Problems.Of(403, "role", "This key's role may not do that",
                "Support deploys to one device at a time; a group or all devices take a developer.");
        }

        if (builds.FirstOrDefault(build => build.Image.Deleted is not null) is { } gone)
            return ImageDeleted(gone);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        if (await board.StartAsync(
            new Rollout(0, asked.Product!, asked.Version!, asked.Hardware, target, group, RolloutState.Active, now, user.Who(), Ended: null),
            [.. builds.Select(build => build.Image.Sha256)],
            cancellation) is not { } rollout)
            return ImageDeleted(builds[0]);
        var concerned = fleet.All.Where(device => RolloutPolicy.IsFor(rollout, device)).ToArray();
        return TypedResults.Created(
            $"/api/v1/rollouts/{rollout.Id}",
            new Started(Deployment: null, rollout.Id, rollout.Product, rollout.Version, target.ToString().ToLowerInvariant(), concerned.Length,
                concerned.LongCount(device => IsBelowFloor(builds, device))));
    }

    /// <summary>Why a release whose image was given up is not handed out.</summary>
    public static ProblemHttpResult ImageDeleted(Release release) => Problems.Conflict("image-deleted",
        $"The image of {release.Product} {release.Version} for {string.Join(", ", release.Hardware)} was deleted when nobody needed it any more. "
        + "Push the same build again ('ota release push'), then order it.");

    /// <summary>Why a client that is not ours is given nothing.</summary>
    public static ProblemHttpResult ChecksTooLittle(Device device, Product product) => Problems.Refused("protection",
        $"Device {device.Id} speaks {device.Client!.Dialect.Name} and checks '{ProtectionWords.Of(device.Client.Protection)}'; "
        + $"product '{product.Name}' gives nothing to clients that check less than '{ProtectionWords.Of(product.Dialects.Least!.Value)}' "
        + "('ota product dialects').");

    private static bool IsBelowFloor(Release[] builds, Device device) =>
        device.Heard is { CheckIn.SecurityCounter: var floor }
        && builds.FirstOrDefault(build => build.Hardware.Contains(device.Hardware)) is { } release && release.SecurityCounter < floor;

    public static async Task<Results<Ok<DeploymentView>, ProblemHttpResult>> CancelAsync(
        long deployment, Database database, DeploymentDesk desk, ReleaseCatalog releases, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (database.Read(connection => DeploymentTable.Find(connection, deployment)) is not { } found)
            return Problems.NotFound("deployment", deployment.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return await desk.CallOffAsync(found, DeploymentState.Cancelled, null, user.Who(), cancellation) is { } cancelled
            ? TypedResults.Ok(View(cancelled, releases))
            : Problems.Conflict("not-cancellable", found.State.IsOver()
                ? $"Deployment {deployment} is over: {DeploymentWords.Shown(found)}."
                : $"Device {found.Device} has begun to install it.");
    }
}
