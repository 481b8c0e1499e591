using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using NuGet.Versioning;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Settings;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Recovery;

/// <param name="Release">Version of the recovery build; the newest for the device's hardware unless given.</param>
/// <param name="ExpiresIn">Seconds it stays armed for a unit that cannot be reached; 14 days unless given.</param>
/// <param name="YesReally">Said by an admin who means more of them in an hour than is usual.</param>
public sealed record NewRecovery(string? Reason, string? Release = null, long? ExpiresIn = null, bool YesReally = false);

/// <param name="TransferTo">The group the hardware is in from then on; none unless given.</param>
/// <inheritdoc cref="NewRecovery"/>
public sealed record NewDecommission(string? Reason, string? TransferTo = null, long? ExpiresIn = null, bool YesReally = false);

/// <summary>One unit, one signed shot: recover it, or end its identity.</summary>
internal static class RecoveryEndpoints
{
    private const long UsualLife = 14 * 24 * 3600;
    private const long LongestLife = 365 * 24 * 3600;

    public static void MapRecovery(this IEndpointRouteBuilder api)
    {
        var devices = api.MapGroup("/devices/{device}").WithTags("Recovery");
        devices.MapPost("/recover", RecoverAsync).For(StaffRole.Support)
            .WithSummary("Clears one unit's Wi-Fi and owner, once, and returns it to what it runs; waits for a unit that cannot be reached");
        devices.MapPost("/decommission", DecommissionAsync).For(StaffRole.Support)
            .WithSummary("Wipes one unit and ends its identity, for good or for a transfer to another group");
    }

    private static async Task<Results<Created<DeploymentView>, Ok<DeploymentView>, ProblemHttpResult>> RecoverAsync(
        string device, NewRecovery asked, Fleet fleet, ProductCatalog products, ReleaseCatalog releases, DeploymentDesk desk,
        ServerSettings settings, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        if (Fault(asked.Reason, asked.ExpiresIn) is { } fault)
            return Problems.Invalid(fault);
        var product = products.Find(found.Product)!;
        if (BuildFor(found, asked.Release, product, releases, out var missing) is not { } release)
            return missing!;
        if (found.Client is not null)
            return await RecoverClientAsync(found, asked, release, product, desk, releases, settings, time, user, cancellation);
        if (found.Heard is { CheckIn.SecurityCounter: var counter } && release.SecurityCounter < counter)
        {
            return Problems.Refused("security-counter",
                $"{release.Version} has security counter {release.SecurityCounter}; device {found.Id} has confirmed {counter} and refuses lower ones. "
                + "Sign the recovery build anew with a higher one.");
        }

        return await ArmAsync(
            found,
            desk.Draft(found, release.Id, user.Who()) with { Action = DeploymentAction.Recover },
            asked.Reason!, asked.ExpiresIn, asked.YesReally, desk, releases, settings, time, user, cancellation);
    }

    private static async Task<Results<Created<DeploymentView>, Ok<DeploymentView>, ProblemHttpResult>> DecommissionAsync(
        string device, NewDecommission asked, Fleet fleet, ReleaseCatalog releases, DeploymentDesk desk,
        ServerSettings settings, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        if (Fault(asked.Reason, asked.ExpiresIn) is { } fault)
            return Problems.Invalid(fault);
        if (found.Client is { Dialect.Name: var dialect })
        {
            return Problems.Refused("dialect",
                $"Device {found.Id} speaks {dialect}: its client cannot be told to wipe itself. 'ota recover' clears its Wi-Fi where there is a recovery "
                + "build; 'ota device hand-over' lets the hardware be taken in anew, which ends the address it asks now.");
        }

        if (asked.TransferTo is not null && Names.Fault(asked.TransferTo) is { } name)
            return Problems.Invalid("The group " + name);
        return await ArmAsync(
            found,
            desk.Draft(found, release: null, user.Who()) with { Action = DeploymentAction.Decommission, TransferTo = asked.TransferTo },
            asked.Reason!, asked.ExpiresIn, asked.YesReally, desk, releases, settings, time, user, cancellation);
    }

    // In two steps: the recovery build once, and then what it runs now (docs/states.md).
    private static async Task<Results<Created<DeploymentView>, Ok<DeploymentView>, ProblemHttpResult>> RecoverClientAsync(
        Device device, NewRecovery asked, Release release, Product product, DeploymentDesk desk, ReleaseCatalog releases,
        ServerSettings settings, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (device.ChecksTooLittle(product))
            return DeploymentEndpoints.ChecksTooLittle(device, product);
        var previous = releases.Find(device.Heard?.CheckIn.Release);
        var (armed, refused) = TwoStepRecovery.Arm(release, previous, time.GetUtcNow());
        if (armed is null && device.Open is not { IsTwoStep: true })
            return Problems.Refused("two-step", Sentence(device, release, previous, refused!.Value));
        return await ArmAsync(
            device,
            desk.Draft(device, release.Id, user.Who()) with { Action = DeploymentAction.Recover, IsTwoStep = true, Returns = armed?.Previous },
            asked.Reason!, asked.ExpiresIn, asked.YesReally, desk, releases, settings, time, user, cancellation);
    }

    private static string Sentence(Device device, Release release, Release? previous, TwoStepRefusal refusal) => refusal switch
    {
        TwoStepRefusal.PreviousUnknown =>
            $"Nobody knows which release device {device.Id} runs, so there is nothing to return it to. Deploy one to it first.",
        TwoStepRefusal.PreviousWithdrawn =>
            $"Device {device.Id} runs {previous!.Version}, which was withdrawn, so it could not return to it. Deploy another version to it first.",
        TwoStepRefusal.PreviousImageGone =>
            $"Device {device.Id} runs {previous!.Version}, whose image was deleted, so it could not return to it. Push the same build again.",
        _ => $"The recovery build has the version {release.Version} that device {device.Id} runs; give it a version of its own, "
            + "or nobody could tell which of the two runs.",
    };

    private static async Task<Results<Created<DeploymentView>, Ok<DeploymentView>, ProblemHttpResult>> ArmAsync(
        Device device, Deployment draft, string reason, long? expiresIn, bool yesReally, DeploymentDesk desk, ReleaseCatalog releases,
        ServerSettings settings, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        var most = yesReally && user.Role() >= StaffRole.Admin ? long.MaxValue : settings.RecoveriesPerHour;
        var deadline = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds() + (expiresIn ?? UsualLife));
        var (outcome, there) = await desk.ArmAsync(device, draft with { Reason = reason, Deadline = deadline }, most, cancellation);
        return outcome switch
        {
            ArmOutcome.Armed => TypedResults.Created($"/api/v1/devices/{device.Id}", DeploymentEndpoints.View(there!, releases)),
            ArmOutcome.AlreadyArmed => TypedResults.Ok(DeploymentEndpoints.View(there!, releases)),
            ArmOutcome.Busy => Problems.Conflict("under-way",
                $"Device {device.Id} has taken deployment {there!.Id} ({DeploymentWords.Shown(there)}). Ask again when that is over."),
            ArmOutcome.Gone => Problems.Conflict("decommissioned",
                $"Device {device.Id} was decommissioned and has no identity until it enrolls anew."),
            ArmOutcome.TooMany => Problems.Of(429, "too-many", "More than is usual in an hour",
                $"{settings.RecoveriesPerHour} recoveries and decommissions were ordered within the hour. If you mean it, an admin asks with --yes-really; else wait."),
            _ => Problems.Conflict("withdrawn", "The recovery build was withdrawn this moment. Ask again."),
        };
    }

    // The newest recovery build for this hardware, or the one of a version, that its product's devices still believe.
    private static Release? BuildFor(Device device, string? version, Product product, ReleaseCatalog releases, out ProblemHttpResult? missing)
    {
        var builds = releases.Of(device.Product)
            .Where(build => build.Kind == ReleaseStatement.RecoveryKind && build.Hardware.Contains(device.Hardware)
                && build.Withdrawn is null && (version is null || build.Version == version))
            .ToArray();
        var good = builds.Where(build => product.Trusts(build.SignedBy))
            .MaxBy(build => SemanticVersion.Parse(build.Version));
        missing = good is not null ? null
            : builds.Length > 0 ? Problems.Refused("release-key",
                $"The recovery build {builds[0].Version} was signed by key {builds[0].SignedBy}, which product '{device.Product}' no longer trusts; sign it anew.")
            : Problems.Refused("no-recovery-build",
                $"There is no recovery build{(version is null ? "" : " " + version)} of {device.Product} for {device.Hardware}. "
                + "A developer pushes one with 'ota release push --kind recovery'.");
        return good;
    }

    private static string? Fault(string? reason, long? expiresIn) =>
        string.IsNullOrWhiteSpace(reason) ? "Give a reason; it is kept in the device's timeline and the audit log."
        : reason.Length > 500 ? "The reason has at most 500 characters."
        : expiresIn is < 60 or > LongestLife ? "expiresIn is 60 seconds to 365 days, in seconds."
        : null;
}
