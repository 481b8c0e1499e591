using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Releases;
using Ota.Server.Staff;

namespace Ota.Server.Evidence;

/// <summary>One device's evidence over the days before now.</summary>
public sealed record DeviceEvidence(string Device, DateTimeOffset From, DateTimeOffset To, EvidenceReport Evidence);

internal static class EvidenceEndpoints
{
    private const int UsualDays = 90;
    private const int MostDays = 730;

    public static void MapEvidence(this IEndpointRouteBuilder api) =>
        api.MapGet("/devices/{device}/evidence", Get).For(StaffRole.Viewer).WithTags("Devices")
            .WithSummary("What one device's restarts have to do with its signal");

    private static async Task<Results<Ok<DeviceEvidence>, ProblemHttpResult>> Get(
        string device, Fleet fleet, Database database, SampleLog samples, ReleaseCatalog releases, TimeProvider time, int days = UsualDays)
    {
        if (days is < 1 or > MostDays)
            return Problems.Invalid($"days is 1 to {MostDays}.");
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;

        // What was said a moment ago counts too.
        await samples.FlushAsync();
        var to = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var from = to - TimeSpan.FromDays(days);
        var since = from.ToUnixTimeMilliseconds();
        var (pieces, reverted) = database.Read(connection => (
            SampleTable.Hours(connection, found.Id, since).Concat(Pieces.Of(SampleTable.Since(connection, found.Id, since))).ToArray(),
            DeploymentTable.Query(connection, new DeploymentFilter(null, found.Id, null, "reverted", 1))));
        var weighed = EvidencePolicy.Weigh(pieces);
        var isTold = found is { Client: null } or { Heard.CheckIn.Restart.Count: > 0 };
        var report = EvidencePolicy.WithFallBack(
            isTold ? weighed : EvidencePolicy.Untold(weighed), reverted.Select(deployment => DeploymentEndpoints.View(deployment, releases)), from);
        return TypedResults.Ok(new DeviceEvidence(found.Id, from, to, report));
    }
}
